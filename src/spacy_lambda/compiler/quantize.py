"""Encoder weights -> integer weights whose products saturate on no x86-64 host.

Three measures, each against one source of error:

- *Weights of 7 bits.* The products run as unsigned 8-bit by signed 8-bit. On a host without VNNI onnxruntime adds
  pairs of such products in 16 bits: with 8-bit weights those sums can saturate and predictions change with the host;
  with weights in [-64, 63] they cannot (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html).
- *Balanced inputs.* A few inputs of a matrix product are far larger than the rest and would take the whole range.
  Each input is divided by a factor, its row of the weight multiplied by it: SmoothQuant (Xiao et al., 2023,
  https://arxiv.org/abs/2211.10438). For the attention's output the factor moves into the values' projection and
  costs nothing.
- *Rounding with compensation.* Weights are rounded one input after the other, and each one's error is made up for
  in the inputs not yet rounded, as far as the calibration texts show them to move together: GPTQ (Frantar et al.,
  2023, https://arxiv.org/abs/2210.17323).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spacy_lambda.compiler.graphs.encoder_graph import build_graph
from spacy_lambda.compiler.graphs.layers import LINEARS, LinearKey
from spacy_lambda.compiler.graphs.products import QuantizedLinear, QuantizedTable
from spacy_lambda.compiler.graphs.weights import EncoderWeights, Floats, LayerWeights, Linear
from spacy_lambda.runtime.encoder import INPUT
from spacy_lambda.runtime.onnx_import import import_onnxruntime

__all__ = ["Calibration", "calibrate", "quantize_linears", "quantize_table"]

WEIGHT_LIMIT = 63
"""Largest weight: 7 bits and a sign that is never used alone."""

SMOOTHING_ALPHA = {"qkv": 0.65, "attention_out": 0.65, "ffn_in": 0.65, "ffn_out": 0.5}
"""The part of the inputs' range that moves into the weights (SmoothQuant's alpha), found on MiniLM."""

PER_ROW = ("ffn_out",)
"""Products whose rows differ much in range: the outputs of the activation function."""

DAMPING = 0.01
"""Part of the mean that is added to the diagonal before inverting, GPTQ's default."""

BLOCK = 128
"""Inputs that are rounded before their errors are spread over the rest at once."""

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Statistics of the inputs of one matrix product.

    :param largest: Largest absolute value of each input. *Shape:* ``(inputs,)``
    :param moments: Sum over wordpieces of the outer product with itself. *Shape:* ``(inputs, inputs)``
    """

    largest: Matrix
    moments: Matrix


def calibrate(
    weights: EncoderWeights, windows: Sequence[Sequence[int]], *, on_step: Callable[[int, int], None]
) -> dict[LinearKey, Calibration]:
    """Run windows through the fp32 encoder and collect statistics of the inputs of each matrix product.

    :param windows: Wordpiece ids, special ones included.
    :param on_step: Receives the windows done and the windows in all.
    """
    onnxruntime = import_onnxruntime()
    session = onnxruntime.InferenceSession(
        build_graph(weights, probe=True).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    probes = [output.name for output in session.get_outputs()[1:]]
    keys = [(source, name) for source in weights.sources for name in LINEARS]
    found: dict[LinearKey, Calibration] = {}
    for done, window in enumerate(windows):
        values = session.run(probes, {INPUT: np.array([window], dtype=np.int64)})
        for key, value in zip(keys, values, strict=True):
            rows = value.reshape(-1, value.shape[-1])
            seen = Calibration(np.abs(rows).max(axis=0).astype(np.float64), _moments(rows))
            old = found.get(key)
            found[key] = seen if old is None else _joined(old, seen)
        on_step(done + 1, len(windows))
    return found


def _moments(rows: Floats) -> Matrix:
    with np.errstate(over="ignore"):
        moments = (rows.T @ rows).astype(np.float64)
    # Squares of large activations do not fit fp32.
    return moments if np.isfinite(moments).all() else rows.astype(np.float64).T @ rows.astype(np.float64)


def _joined(a: Calibration, b: Calibration) -> Calibration:
    return Calibration(np.maximum(a.largest, b.largest), a.moments + b.moments)


def quantize_linears(
    weights: EncoderWeights, calibration: dict[LinearKey, Calibration]
) -> Iterator[tuple[LinearKey, QuantizedLinear]]:
    """Quantize every matrix product of the encoder's layers, in order; those of layers that share weights once."""
    for number in sorted(set(weights.sources)):
        layer = weights.layers[number]
        seen = {name: calibration[number, name] for name in LINEARS}
        factors = {name: _balance(getattr(layer, name), seen[name], SMOOTHING_ALPHA[name]) for name in LINEARS}
        balanced = _values_balanced(layer, factors["attention_out"])
        for name in LINEARS:
            factor = factors[name]
            linear: Linear = getattr(balanced, name)
            values, scales = _round(
                linear.weight * factor[:, np.newaxis], seen[name].moments / np.outer(factor, factor)
            )
            yield (
                (number, name),
                QuantizedLinear(
                    weight=values,
                    scales=scales,
                    bias=linear.bias,
                    input_scale=None if name == "attention_out" else (1 / factor).astype(np.float32),
                    per_row=("signed" if weights.gated else "activations") if name in PER_ROW else None,
                ),
            )


def quantize_table(table: Floats) -> QuantizedTable:
    """Quantize an embedding table to 8 bits, each row by its own range."""
    scales = np.abs(table).max(axis=1, keepdims=True) / 127
    scales[scales == 0] = 1
    return QuantizedTable(np.round(table / scales).astype(np.int8), scales.astype(np.float32))


def _values_balanced(layer: LayerWeights, factor: Matrix) -> LayerWeights:
    """Return the layer with the attention's output divided by a factor, in the projection of the values."""
    width = len(factor)
    divisor = np.concatenate([np.ones(2 * width), factor]).astype(np.float32)
    bias = None if layer.qkv.bias is None else layer.qkv.bias / divisor
    return replace(layer, qkv=Linear(layer.qkv.weight / divisor, bias))


def _balance(linear: Linear, seen: Calibration, alpha: float) -> Matrix:
    """Return the factor of each input; their geometric mean is 1. *Shape:* ``(inputs,)``"""
    inputs = np.maximum(seen.largest, 1e-3)
    weights = np.maximum(np.abs(linear.weight).max(axis=1), 1e-5)
    factor = inputs**alpha / weights ** (1 - alpha)
    return np.asarray(factor / np.exp(np.log(factor).mean()), dtype=np.float64)


def _round(weight: Floats | Matrix, moments: Matrix) -> tuple[npt.NDArray[np.int8], Floats]:
    """Round a weight to integers with GPTQ's compensation.

    :param weight: *Shape:* ``(inputs, outputs)``
    :param moments: *Shape:* ``(inputs, inputs)``
    """
    left = weight.astype(np.float64)
    scales = np.abs(left).max(axis=0) / WEIGHT_LIMIT
    scales[scales == 0] = 1
    # Rounded to fp32 first: the compensation is then for the scales that the runtime multiplies by.
    scales = scales.astype(np.float32).astype(np.float64)
    n = len(left)
    damped = moments + np.eye(n) * max(DAMPING * np.diag(moments).mean(), 1e-8)
    spread = np.linalg.cholesky(np.linalg.inv(damped)).T
    rounded = np.zeros_like(left)
    for begin in range(0, n, BLOCK):
        end = min(begin + BLOCK, n)
        errors = np.zeros((end - begin, left.shape[1]))
        for i in range(begin, end):
            rounded[i] = np.clip(np.round(left[i] / scales), -WEIGHT_LIMIT - 1, WEIGHT_LIMIT)
            errors[i - begin] = (left[i] - rounded[i] * scales) / spread[i, i]
            left[i + 1 : end] -= np.outer(spread[i, i + 1 : end], errors[i - begin])
        left[end:] -= spread[begin:end, end:].T @ errors
    return rounded.astype(np.int8), scales.astype(np.float32)
