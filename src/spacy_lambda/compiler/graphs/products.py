"""The matrix products and embeddings of a graph, in fp32 or with integer weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from spacy_lambda.compiler.graphs.builder import CONTRIB, GraphBuilder
from spacy_lambda.compiler.graphs.weights import Floats, Linear

__all__ = ["QuantizedLinear", "QuantizedTable", "embed", "multiply", "multiply_quantized"]

LOWEST = -0.171
"""No activation function of :data:`.weights.ACTIVATIONS` gives less."""


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


def embed(g: GraphBuilder, table: Floats | QuantizedTable, ids: str) -> str:
    """Look up the rows of an embedding table."""
    if not isinstance(table, QuantizedTable):
        return g.op("Gather", g.const(table), ids)
    values = g.op("Cast", g.op("Gather", g.const(table.values), ids), to=onnx.TensorProto.FLOAT)
    return g.op("Mul", values, g.op("Gather", g.const(table.scales), ids))


def multiply(g: GraphBuilder, linear: Linear, x: str) -> str:
    """Compute a linear in fp32."""
    return g.op("Add", g.op("MatMul", x, g.const(linear.weight)), g.const(linear.bias))


def multiply_quantized(g: GraphBuilder, linear: QuantizedLinear, x: str) -> str:
    """Compute a linear with integer weights."""
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
