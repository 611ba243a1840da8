"""Encoder weights -> an ONNX graph, for encoders of the BERT family.

Written by hand rather than traced, for three reasons: windows come unpadded, so the graph needs no attention mask;
the operators can be the ones onnxruntime runs fastest on a CPU (attention in one node; an addition and a layer
norm rather than its fused ``SkipLayerNormalization``, which is several times slower there); and the precision of
every matrix product can be chosen on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import onnx

from spacy_lambda.compiler.graph import CONTRIB, GraphBuilder
from spacy_lambda.compiler.weights import EncoderWeights, LayerWeights, Linear, Norm
from spacy_lambda.runtime.encoder import INPUT, OUTPUT

__all__ = ["LINEARS", "LinearKey", "QuantizedLinear", "QuantizedTable", "build_graph"]

LINEARS = ("qkv", "attention_out", "ffn_in", "ffn_out")
"""The matrix products of a layer, by their names in :class:`LayerWeights`."""

LOWEST = -0.171
"""No activation function of :data:`.weights.ACTIVATIONS` gives less."""

LinearKey = tuple[int, str]
"""Layer and name of one matrix product."""


@dataclass(frozen=True)
class QuantizedLinear:
    """A matrix product with integer weights; its input is quantized to 8 bits when it runs.

    :param weight: *Shape:* ``(inputs, outputs)``
    :param scales: The value of 1 in each column of the weight. *Shape:* ``(outputs,)``
    :param input_scale: Factor for each input, undone in the weight, or ``None``. *Shape:* ``(inputs,)``
    :param per_row: Quantize each row of the input by its own range rather than all by one.
    """

    weight: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    input_scale: npt.NDArray[np.float32] | None
    per_row: bool


@dataclass(frozen=True)
class QuantizedTable:
    """An embedding table in 8 bits, with a scale for each row.

    :param values: *Shape:* ``(rows, width)``
    :param scales: *Shape:* ``(rows, 1)``
    """

    values: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]


def build_graph(
    weights: EncoderWeights,
    *,
    linears: Mapping[LinearKey, QuantizedLinear] | None = None,
    words: QuantizedTable | None = None,
    probe: bool = False,
) -> onnx.ModelProto:
    """Build the encoder's graph.

    :param linears: The quantized matrix products; those that are missing stay in fp32.
    :param words: The quantized word embeddings, or ``None`` for fp32.
    :param probe: Make the input of every matrix product an output of the graph, layer by layer in the order of
        :data:`LINEARS`, for calibration.
    """
    if linears and weights.activation == "gelu":
        # The tanh form is faster, and differs by far less than quantizing does.
        weights = replace(weights, activation="gelu_tanh")
    g = GraphBuilder()
    hidden = _embed(g, weights, words)
    for number, layer in enumerate(weights.layers):

        def product(name: str, x: str, number: int = number, layer: LayerWeights = layer) -> str:
            if probe:
                g.probe(x)
            quantized = (linears or {}).get((number, name))
            return _linear(g, getattr(layer, name), x) if quantized is None else _quantized(g, quantized, x)

        hidden = _layer(g, layer, hidden, product, weights)
    return g.build(input_name=INPUT, output=hidden, output_name=OUTPUT, width=weights.width)


def _embed(g: GraphBuilder, weights: EncoderWeights, words: QuantizedTable | None) -> str:
    if words is None:
        embedded = g.op("Gather", g.const(weights.words), INPUT)
    else:
        values = g.op("Cast", g.op("Gather", g.const(words.values), INPUT), to=onnx.TensorProto.FLOAT)
        embedded = g.op("Mul", values, g.op("Gather", g.const(words.scales), INPUT))
    embedded = g.op("Add", embedded, _positions(g, weights))
    hidden = _norm(g, weights.embedding_norm, embedded, weights.epsilon)
    return hidden if weights.projection is None else _linear(g, weights.projection, hidden)


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
    weights: EncoderWeights,
) -> str:
    query, key, value = g.op_many("Split", product("qkv", hidden), outputs=3, axis=-1, num_outputs=3)
    attended = g.op("MultiHeadAttention", query, key, value, domain=CONTRIB, num_heads=weights.n_heads)
    attended = g.op("Add", product("attention_out", attended), hidden)
    attended = _norm(g, layer.attention_norm, attended, weights.epsilon)
    inner = _activate(g, product("ffn_in", attended), weights)
    return _norm(g, layer.ffn_norm, g.op("Add", product("ffn_out", inner), attended), weights.epsilon)


def _activate(g: GraphBuilder, x: str, weights: EncoderWeights) -> str:
    if weights.activation == "gelu":
        return g.op("Gelu", x, domain=CONTRIB)
    if weights.activation == "gelu_tanh":
        return g.op("FastGelu", x, domain=CONTRIB)
    return g.op("Relu", x)


def _norm(g: GraphBuilder, norm: Norm, x: str, epsilon: float) -> str:
    return g.op("LayerNormalization", x, g.const(norm.weight), g.const(norm.bias), axis=-1, epsilon=epsilon)


def _linear(g: GraphBuilder, linear: Linear, x: str) -> str:
    return g.op("Add", g.op("MatMul", x, g.const(linear.weight)), g.const(linear.bias))


def _quantized(g: GraphBuilder, linear: QuantizedLinear, x: str) -> str:
    if linear.input_scale is not None:
        x = g.op("Mul", x, g.const(linear.input_scale))
    weight, scales, bias = g.const(linear.weight), g.const(linear.scales), g.const(linear.bias)
    if not linear.per_row:
        return g.op("DynamicQuantizeMatMul", x, weight, scales, "", bias, domain=CONTRIB)
    # Rows brought to one range before onnxruntime looks for the range of the whole matrix, and back afterwards.
    # Values below zero are small (LOWEST), so the largest value is the range, except in rows without larger values.
    largest = g.op("ReduceMax", x, g.const(np.array([-1])), keepdims=1)
    factor = 1.0 if linear.input_scale is None else float(linear.input_scale.max())
    largest = g.op("Max", largest, g.const(np.array(-LOWEST * factor, dtype=np.float32)))
    x = g.op("DynamicQuantizeMatMul", g.op("Div", x, largest), weight, scales, domain=CONTRIB)
    return g.op("Add", g.op("Mul", x, largest), bias)
