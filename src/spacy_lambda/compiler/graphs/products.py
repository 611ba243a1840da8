"""The matrix products and embeddings of a graph, in fp32 or with integer weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnx

from spacy_lambda.compiler.graphs.builder import CONTRIB, GraphBuilder
from spacy_lambda.compiler.graphs.weights import Floats, Linear

__all__ = ["ExactInputs", "QuantizedLinear", "QuantizedTable", "embed", "multiply", "multiply_quantized"]

MIN_ACTIVATION = -0.171
"""No activation function of :data:`.weights.ACTIVATIONS` gives less."""

EPSILON = 1e-6

FINER, MIDDLE = np.array(1 / 254, dtype=np.float32), np.array(128, dtype=np.uint8)
"""The second term's scale, relative to the scale of the first, which leaves half a step at most; and its zero point."""


@dataclass(frozen=True)
class ExactInputs:
    """A few inputs of a quantized matrix product that are multiplied in fp32; the others do not have them.

    :param indices: *Shape:* ``(exact inputs,)``
    :param weight: *Shape:* ``(exact inputs, outputs)``
    """

    indices: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float32]


@dataclass(frozen=True)
class QuantizedLinear:
    """A matrix product with integer weights; its input is quantized when it runs, to one or two terms of 8 bits.

    :param weight: *Shape:* ``(inputs, outputs)``
    :param scales: The value of 1 in each column of the weight. *Shape:* ``(outputs,)``
    :param input_scale: Factor for each input, undone in the weight, or ``None``. *Shape:* ``(inputs,)``
    :param per_row: Quantize each row of the input by its own range rather than all by one: rows of an activation
        function's values, or of values of both signs.
    :param terms: Number of terms of 8 bits. A second one has what the first leaves over of the input, which then has 16
        bits: the input has no error, at the price of twice the products.
    :param exact: The inputs that are multiplied in fp32, which are 0 in ``weight`` and ``input_scale``, or ``None``.
    """

    weight: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32] | None
    input_scale: npt.NDArray[np.float32] | None
    per_row: Literal["activations", "signed"] | None
    terms: Literal[1, 2] = 1
    exact: ExactInputs | None = None


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
    return _plus(g, g.op("MatMul", x, g.const(linear.weight)), linear.bias)


def multiply_quantized(g: GraphBuilder, linear: QuantizedLinear, x: str) -> str:
    """Compute a linear with integer weights."""
    scaled = x if linear.input_scale is None else g.op("Mul", x, g.const(linear.input_scale))
    if linear.per_row and linear.terms == 1:
        return _multiply_rows(g, linear, x, scaled)
    weight, scales = g.const(linear.weight), g.const(linear.scales)
    bias = () if linear.bias is None else ("", g.const(linear.bias))
    if linear.terms == 2:
        product = _multiply_terms(g, scaled, weight, scales, *bias)
    else:
        product = g.op("DynamicQuantizeMatMul", scaled, weight, scales, *bias, domain=CONTRIB)
    if linear.exact is None:
        return product
    return g.op("Add", product, g.op("MatMul", _exact_inputs(g, linear.exact, x), g.const(linear.exact.weight)))


def _multiply_terms(g: GraphBuilder, x: str, weight: str, scales: str, *bias: str) -> str:
    """Multiply two terms of the inputs."""
    first, scale, zero = g.op_many("DynamicQuantizeLinear", x, outputs=3)
    rest = g.op("Sub", x, g.op("DequantizeLinear", first, scale, zero))
    finer, middle = g.op("Mul", scale, g.const(FINER)), g.const(MIDDLE)
    second = g.op("QuantizeLinear", rest, finer, middle)
    return g.op(
        "Add",
        g.op("MatMulIntegerToFloat", first, weight, scale, scales, zero, *bias, domain=CONTRIB),
        g.op("MatMulIntegerToFloat", second, weight, finer, scales, middle, domain=CONTRIB),
    )


def _multiply_rows(g: GraphBuilder, linear: QuantizedLinear, x: str, scaled: str) -> str:
    """Multiply rows that are brought to one range before onnxruntime looks for the range of all, and back afterwards.

    :param x: The inputs before they are scaled.
    """
    largest = _largest(g, linear, scaled)
    weight, scales = g.const(linear.weight), g.const(linear.scales)
    product = g.op("DynamicQuantizeMatMul", g.op("Div", scaled, largest), weight, scales, domain=CONTRIB)
    product = g.op("Mul", product, largest)
    if linear.exact is None:
        return _plus(g, product, linear.bias)
    inputs, exact = _exact_inputs(g, linear.exact, x), linear.exact.weight
    if linear.bias is not None:  # multiplied by an input of 1, which saves an addition
        inputs = g.op("Concat", inputs, g.op("Div", largest, largest), axis=-1)
        exact = np.concatenate([exact, linear.bias[np.newaxis]])
    return g.op("Add", product, g.op("MatMul", inputs, g.const(exact)))


def _exact_inputs(g: GraphBuilder, exact: ExactInputs, x: str) -> str:
    return g.op("Gather", x, g.const(exact.indices), axis=-1)


def _largest(g: GraphBuilder, linear: QuantizedLinear, x: str) -> str:
    """Return the range of each row."""
    if linear.per_row == "signed":
        largest, least = g.op("ReduceMax", g.op("Abs", x), g.const(np.array([-1])), keepdims=1), EPSILON
    else:
        # Values below zero are small, so the largest value is the range, except in rows without larger values.
        largest, least = g.op("ReduceMax", x, g.const(np.array([-1])), keepdims=1), -MIN_ACTIVATION
        least *= 1.0 if linear.input_scale is None else float(linear.input_scale.max())
    return g.op("Max", largest, g.const(np.array(least, dtype=np.float32)))


def _plus(g: GraphBuilder, x: str, bias: Floats | None) -> str:
    return x if bias is None else g.op("Add", x, g.const(bias))
