"""Encoder weights -> an ONNX graph.

Written by hand rather than traced, for three reasons: windows come unpadded, so the graph needs no attention mask;
the operators can be the ones onnxruntime runs fastest on a CPU (attention in one node; an addition and a layer
norm rather than its fused ``SkipLayerNormalization``, which is several times slower there); and the precision of
every matrix product can be chosen on its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import onnx

from spacy_lambda.compiler.graphs.builder import GraphBuilder
from spacy_lambda.compiler.graphs.layers import LayerBuilder, LinearKey, normalize
from spacy_lambda.compiler.graphs.products import QuantizedLinear, QuantizedTable, embed, multiply
from spacy_lambda.compiler.graphs.weights import EncoderWeights, Floats
from spacy_lambda.runtime.encoder import ALL_LAYERS, INPUT, OUTPUT

__all__ = ["build_graph"]


def build_graph(
    weights: EncoderWeights,
    *,
    linears: Mapping[LinearKey, QuantizedLinear] | None = None,
    words: QuantizedTable | None = None,
    probe: bool = False,
    all_layers: bool = False,
) -> onnx.ModelProto:
    """Build the encoder's graph.

    :param linears: The quantized matrix products; those that are missing stay in fp32.
    :param words: The quantized word embeddings, or ``None`` for fp32.
    :param probe: Make the input of every matrix product an output of the graph, layer by layer in the order of
        :data:`.layers.LINEARS`, for calibration.
    :param all_layers: Give the hidden states of the embeddings and of every layer instead of the encoder's.
        *Shape of the output:* ``(batch, n_layers + 1, wordpieces, width)``
    """
    if linears and weights.activation == "gelu":
        # The tanh form is faster, and differs by far less than quantizing does.
        weights = replace(weights, activation="gelu_tanh")
    g = GraphBuilder()
    layers = LayerBuilder(g, weights, linears or {}, probe=probe)
    states = [_embed(g, weights, words)]
    for number in range(len(weights.layers)):
        states.append(layers.add(number, states[-1]))
    if all_layers:
        states = states[:: weights.layers_per_output]
        return g.build(INPUT, _stack(g, states), ALL_LAYERS, ["batch", len(states), "wordpieces", weights.width])
    hidden = states[-1] if weights.final_norm is None else normalize(g, weights.final_norm, states[-1], weights.epsilon)
    return g.build(INPUT, hidden, OUTPUT, ["batch", "wordpieces", weights.width])


def _stack(g: GraphBuilder, states: list[str]) -> str:
    axis = g.const(np.array([1]))
    return g.op("Concat", *(g.op("Unsqueeze", state, axis) for state in states), axis=1)


def _embed(g: GraphBuilder, weights: EncoderWeights, words: QuantizedTable | None) -> str:
    embedded = embed(g, weights.words if words is None else words, INPUT)
    if weights.positions is not None:
        embedded = g.op("Add", embedded, _positions(g, weights.positions, weights.padding_id, half=words is not None))
    hidden = normalize(g, weights.embedding_norm, embedded, weights.epsilon)
    return hidden if weights.projection is None else multiply(g, weights.projection, hidden)


def _positions(g: GraphBuilder, table: Floats, padding_id: int | None, *, half: bool) -> str:
    """Return the position embeddings of the input, stored in fp16 if requested, which is far finer than 8 bits."""
    if half:
        return g.op("Cast", _rows(g, g.const(table.astype(np.float16)), padding_id), to=onnx.TensorProto.FLOAT)
    return _rows(g, g.const(table), padding_id)


def _rows(g: GraphBuilder, table: str, padding_id: int | None) -> str:
    if padding_id is None:
        length = g.op("Shape", INPUT, start=1, end=2)
        return g.op("Slice", table, g.const(np.array([0])), length)
    # RoBERTa counts from padding_id + 1, and a padding wordpiece in the text itself is not counted.
    padding = g.const(np.array(padding_id))
    counted = g.op("Cast", g.op("Not", g.op("Equal", INPUT, padding)), to=onnx.TensorProto.INT64)
    numbers = g.op("Mul", g.op("CumSum", counted, g.const(np.array(1))), counted)
    return g.op("Gather", table, g.op("Add", numbers, padding))
