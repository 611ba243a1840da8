"""Encoder weights -> an ONNX graph.

Written by hand rather than traced, for three reasons: windows come unpadded, so the graph needs no attention mask;
the operators can be the ones onnxruntime runs fastest on a CPU (attention in one node; an addition and a layer
norm rather than its fused ``SkipLayerNormalization``, which is several times slower there); and the precision of
every matrix product can be chosen on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import onnx

from spacy_lambda.compiler.graphs.builder import CONTRIB, GraphBuilder
from spacy_lambda.compiler.graphs.products import (
    QuantizedLinear,
    QuantizedTable,
    embed,
    multiply,
    multiply_quantized,
)
from spacy_lambda.compiler.graphs.weights import EncoderWeights, LayerWeights, Norm
from spacy_lambda.runtime.encoder import ALL_LAYERS, INPUT, OUTPUT

__all__ = ["LINEARS", "LinearKey", "build_graph"]

LINEARS = ("qkv", "attention_out", "ffn_in", "ffn_out")
"""The matrix products of a layer, by their names in :class:`.weights.LayerWeights`."""

LinearKey = tuple[int, str]
"""Layer and name of one matrix product; of layers that share their weights, the first."""

MASKED = float(np.finfo(np.float32).min)
"""Score of a masked wordpiece: where all are masked, all are attended to alike, as in curated-transformers."""


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
        :data:`LINEARS`, for calibration.
    :param all_layers: Give the hidden states of the embeddings and of every layer instead of the last layer's.
        *Shape of the output:* ``(batch, n_layers + 1, wordpieces, width)``
    """
    if linears and weights.activation == "gelu":
        # The tanh form is faster, and differs by far less than quantizing does.
        weights = replace(weights, activation="gelu_tanh")
    g = GraphBuilder()
    mask = None if weights.mask_id is None else _mask(g, weights.mask_id)
    hidden = _embed(g, weights, words)
    states = [hidden]
    for source, layer in zip(weights.sources, weights.layers, strict=True):

        def product(name: str, x: str, source: int = source, layer: LayerWeights = layer) -> str:
            if probe:
                g.probe(x)
            quantized = (linears or {}).get((source, name))
            return multiply(g, getattr(layer, name), x) if quantized is None else multiply_quantized(g, quantized, x)

        hidden = _layer(g, layer, hidden, product, mask, weights)
        states.append(hidden)
    if not all_layers:
        return g.build(INPUT, hidden, OUTPUT, ["batch", "wordpieces", weights.width])
    states = states[:: weights.layers_per_output]
    return g.build(INPUT, _stack(g, states), ALL_LAYERS, ["batch", len(states), "wordpieces", weights.width])


def _stack(g: GraphBuilder, states: list[str]) -> str:
    axis = g.const(np.array([1]))
    return g.op("Concat", *(g.op("Unsqueeze", state, axis) for state in states), axis=1)


def _mask(g: GraphBuilder, mask_id: int) -> str:
    """Return 1 for the wordpieces to attend to, 0 for the others. *Shape:* ``(batch, wordpieces)``"""
    return g.op("Cast", g.op("Not", g.op("Equal", INPUT, g.const(np.array(mask_id)))), to=onnx.TensorProto.INT32)


def _embed(g: GraphBuilder, weights: EncoderWeights, words: QuantizedTable | None) -> str:
    embedded = embed(g, weights.words if words is None else words, INPUT)
    embedded = g.op("Add", embedded, _positions(g, weights))
    hidden = _norm(g, weights.embedding_norm, embedded, weights.epsilon)
    return hidden if weights.projection is None else multiply(g, weights.projection, hidden)


def _positions(g: GraphBuilder, weights: EncoderWeights) -> str:
    table = g.const(weights.positions)
    if weights.padding_id is None:
        length = g.op("Shape", INPUT, start=1, end=2)
        return g.op("Slice", table, g.const(np.array([0])), length)
    # RoBERTa counts from padding_id + 1, and a padding wordpiece in the text itself is not counted.
    padding = g.const(np.array(weights.padding_id))
    counted = g.op("Cast", g.op("Not", g.op("Equal", INPUT, padding)), to=onnx.TensorProto.INT64)
    numbers = g.op("Mul", g.op("CumSum", counted, g.const(np.array(1))), counted)
    return g.op("Gather", table, g.op("Add", numbers, padding))


def _layer(
    g: GraphBuilder,
    layer: LayerWeights,
    hidden: str,
    product: Callable[[str, str], str],
    mask: str | None,
    weights: EncoderWeights,
) -> str:
    attended = _attend(g, product("qkv", hidden), mask, weights.n_heads)
    attended = g.op("Add", product("attention_out", attended), hidden)
    attended = _norm(g, layer.attention_norm, attended, weights.epsilon)
    inner = _activate(g, product("ffn_in", attended), weights)
    return _norm(g, layer.ffn_norm, g.op("Add", product("ffn_out", inner), attended), weights.epsilon)


def _attend(g: GraphBuilder, qkv: str, mask: str | None, n_heads: int) -> str:
    parts = g.op_many("Split", qkv, outputs=3, axis=-1, num_outputs=3)
    if mask is None:
        return g.op("MultiHeadAttention", *parts, domain=CONTRIB, num_heads=n_heads)
    masked = {"num_heads": n_heads, "mask_filter_value": MASKED}
    return g.op("MultiHeadAttention", *parts, "", mask, domain=CONTRIB, **masked)


def _activate(g: GraphBuilder, x: str, weights: EncoderWeights) -> str:
    if weights.activation == "gelu":
        return g.op("Gelu", x, domain=CONTRIB)
    if weights.activation == "gelu_tanh":
        return g.op("FastGelu", x, domain=CONTRIB)
    return g.op("Relu", x)


def _norm(g: GraphBuilder, norm: Norm, x: str, epsilon: float) -> str:
    return g.op("LayerNormalization", x, g.const(norm.weight), g.const(norm.bias), axis=-1, epsilon=epsilon)
