"""Encoder weights -> integer weights whose products saturate on no x86-64 host.

Five measures, each against one source of error:

- *Limited pairs.* The products run as unsigned 8-bit by signed 8-bit. On a host without VNNI onnxruntime adds two such
  products in 16 bits, those of inputs 0 and 1, 2 and 3 and so on: where these sums saturate, predictions change with
  the host (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html). Weights therefore have
  8 bits, and two of one pair that have the same sign add up to 128 at most: 255 times that fits 16 bits.
- *Inputs of two terms.* Rounded to 8 bits, inputs amplify the last bits in which hosts' fp32 kernels differ, those
  after the activation function most of all. There, a second product has what the rounding leaves over.
- *Exact inputs.* A few inputs of a layer are far larger than the rest, in every text. These are multiplied in fp32, and
  the others alone make the range of a row: LLM.int8() (Dettmers et al., 2022, https://arxiv.org/abs/2208.07339), but
  with the same inputs for all texts, those that are largest in calibration.
- *Balanced inputs.* The larger of the other inputs would still take most of the range. Each input is divided by a
  factor, its row of the weight multiplied by it: SmoothQuant (Xiao et al., 2023, https://arxiv.org/abs/2211.10438). For
  the attention's output the factor moves into the values' projection and costs nothing.
- *Rounding with compensation.* Weights are rounded one input after the other, and each one's error is made up for
  in the inputs not yet rounded, as far as the calibration texts show them to move together: GPTQ (Frantar et al.,
  2023, https://arxiv.org/abs/2210.17323).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from spacy_lambda.compiler.graphs.encoder_graph import build_graph
from spacy_lambda.compiler.graphs.layers import LINEARS, LinearKey
from spacy_lambda.compiler.graphs.products import ExactInputs, QuantizedLinear, QuantizedTable
from spacy_lambda.compiler.graphs.weights import EncoderWeights, Floats, LayerWeights, Linear
from spacy_lambda.runtime.encoder import INPUT
from spacy_lambda.runtime.onnx_import import import_onnxruntime

__all__ = ["RECIPES", "Calibration", "Recipe", "calibrate", "quantize_linears", "quantize_table"]

WEIGHT_LIMIT = 127
"""Largest weight."""

PAIR_LIMIT = 128
"""Largest sum of the weights of one sign in a pair."""


@dataclass(frozen=True)
class Recipe:
    """The quantization of one kind of matrix product.

    :param smoothing: The part of the inputs' range that moves into the weights (SmoothQuant's alpha), or ``None`` to
        leave the inputs as they are.
    :param per_row: Quantize each row of the inputs by its own range.
    :param terms: Terms of 8 bits to which the inputs are quantized (see :class:`.QuantizedLinear`).
    :param exact: Number of inputs that are multiplied in fp32: the largest.
    """

    smoothing: float | None = None
    per_row: bool = False
    terms: Literal[1, 2] = 1
    exact: int = 0


RECIPES: Mapping[str, Recipe] = {
    "qkv": Recipe(smoothing=0.4, per_row=True, exact=8),
    "attention_out": Recipe(smoothing=0.5, per_row=True),
    "ffn_in": Recipe(smoothing=0.4, per_row=True, exact=8),
    "ffn_out": Recipe(smoothing=0.4, terms=2),
}
"""The recipe of each of :data:`.layers.LINEARS`, found with ``bench/int8.py``."""

DAMPING = 0.01
"""Part of the mean that is added to the diagonal before inverting, GPTQ's default."""

SCALES = 6
"""Scales that are tried for each output."""

BLOCK = 128
"""Inputs that are rounded before their errors are spread over the rest at once."""

Matrix = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
NONE: Indices = np.zeros(0, dtype=np.intp)


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
    weights: EncoderWeights, calibration: dict[LinearKey, Calibration], recipes: Mapping[str, Recipe] = RECIPES
) -> Iterator[tuple[LinearKey, QuantizedLinear]]:
    """Quantize every matrix product of the encoder's layers, in order; layers that share weights are quantized once."""
    for number in sorted(set(weights.sources)):
        layer = weights.layers[number]
        seen = {name: calibration[number, name] for name in LINEARS}
        exact = {name: _largest_inputs(seen[name], recipes[name].exact) for name in LINEARS}
        factors = {
            name: _balance(getattr(layer, name), seen[name], recipes[name].smoothing, exact[name]) for name in LINEARS
        }
        balanced = _values_balanced(layer, factors["attention_out"])
        for name in LINEARS:
            recipe, factor = recipes[name], factors[name]
            linear: Linear = getattr(balanced, name)
            values, scales, rest = _round(
                linear.weight * factor[:, np.newaxis], seen[name].moments / np.outer(factor, factor), exact[name]
            )
            is_scaled = recipe.smoothing is not None and name != "attention_out"
            input_scale = (1 / factor if is_scaled else np.ones_like(factor)).astype(np.float32)
            input_scale[exact[name]] = 0
            yield (
                (number, name),
                QuantizedLinear(
                    weight=values,
                    scales=scales,
                    bias=linear.bias,
                    input_scale=input_scale if is_scaled or recipe.exact else None,
                    per_row=_rows(name, weights.gated) if recipe.per_row else None,
                    terms=recipe.terms,
                    exact=_exact_inputs(exact[name], rest / factor[exact[name], np.newaxis]) if recipe.exact else None,
                ),
            )


def _rows(name: str, gated: bool) -> Literal["activations", "signed"]:
    """Return the kind of a product's rows."""
    return "activations" if name == "ffn_out" and not gated else "signed"


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


def _largest_inputs(seen: Calibration, count: int) -> Indices:
    """Return so many inputs, in order."""
    return np.sort(np.argsort(-seen.largest, kind="stable")[:count])


def _exact_inputs(indices: Indices, weight: Matrix) -> ExactInputs:
    return ExactInputs(indices.astype(np.int64), weight.astype(np.float32))


def _balance(linear: Linear, seen: Calibration, alpha: float | None, exact: Indices = NONE) -> Matrix:
    """Return the factor of each input; their geometric mean is 1. *Shape:* ``(inputs,)``

    :param exact: Inputs that are multiplied in fp32, which have the factor 1.
    """
    if alpha is None:
        return np.ones(len(linear.weight))
    inputs = np.maximum(seen.largest, 1e-3)
    weights = np.maximum(np.abs(linear.weight).max(axis=1), 1e-5)
    factor = inputs**alpha / weights ** (1 - alpha)
    others = np.delete(np.arange(len(factor)), exact)
    factor /= np.exp(np.log(factor[others]).mean()) if len(others) else 1
    factor[exact] = 1
    return np.asarray(factor, dtype=np.float64)


def _round(
    weight: Floats | Matrix, moments: Matrix, exact: Indices = NONE
) -> tuple[npt.NDArray[np.int8], Floats, Matrix]:
    """Round a weight to integers with GPTQ's compensation, of which the exact inputs bear a part, too.

    :param weight: *Shape:* ``(inputs, outputs)``
    :param moments: *Shape:* ``(inputs, inputs)``
    :param exact: Inputs that are not rounded.
    :returns: The integers, 0 for exact inputs; the scales; and the weight of the exact inputs.
    """
    n = len(weight) - len(exact)
    # Rows in the order in which they are rounded: exact inputs come last, so that they get what the others leave.
    order = np.concatenate([np.delete(np.arange(len(weight)), exact), exact])
    target, moments = weight.astype(np.float64)[order], moments[np.ix_(order, order)]
    row_of = {int(number): row for row, number in enumerate(order[:n])}
    without_exact = weight.astype(np.float64)
    without_exact[exact] = 0
    scales = _scales(without_exact, np.diag(moments)[np.argsort(order)])
    damped = moments + np.eye(len(target)) * max(DAMPING * np.diag(moments).mean(), 1e-8)
    # Row i has the part of the error of input i that each later input makes up for.
    spread = np.linalg.cholesky(np.linalg.inv(damped)).T
    rounded = np.zeros_like(target)
    for begin in range(0, n, BLOCK):
        end = min(begin + BLOCK, n)
        errors = np.zeros((end - begin, target.shape[1]))
        for i in range(begin, end):
            # Hosts without VNNI add inputs 0 and 1, 2 and 3 and so on: the numbers of a pair differ in the last bit.
            partner = row_of.get(int(order[i]) ^ 1)
            if partner is None:  # there is none, or it is exact and thus 0
                rounded[i] = _second(target[i] / scales, np.zeros_like(scales))
            elif partner < i:
                rounded[i] = _second(target[i] / scales, rounded[partner])
            else:
                rounded[i] = _first(target[i] / scales, target[partner] / scales)
            errors[i - begin] = (target[i] - rounded[i] * scales) / spread[i, i]
            target[i + 1 : end] -= np.outer(spread[i, i + 1 : end], errors[i - begin])
        target[end:] -= spread[begin:end, end:].T @ errors
    return rounded[np.argsort(order)].astype(np.int8), scales.astype(np.float32), target[n:]


def _first(scaled: Matrix, partner: Matrix) -> Matrix:
    """Round the first row of a pair; it bears half of what the sum of both is beyond its limit."""
    total = scaled + partner
    excess = np.maximum(np.abs(total) - PAIR_LIMIT, 0) * np.sign(total)
    return np.asarray(np.clip(np.round(scaled - excess / 2), -WEIGHT_LIMIT, WEIGHT_LIMIT))


def _second(scaled: Matrix, first: Matrix) -> Matrix:
    """Round the second row of a pair, within what the first one leaves.

    :param first: The first row, rounded.
    """
    least = np.maximum(-WEIGHT_LIMIT, -PAIR_LIMIT - np.minimum(first, 0))
    return np.clip(np.round(scaled), least, np.minimum(WEIGHT_LIMIT, PAIR_LIMIT - np.maximum(first, 0)))


def _scales(weight: Matrix, squares: Matrix) -> Matrix:
    """Return the scale of each output with the least error.

    The scales that are tried begin at the one with which all weights and all pairs are within their limits, and end at
    the finest one with which all weights are.

    :param squares: The inputs' mean squares, up to a factor. *Shape:* ``(inputs,)``
    """
    finest = np.abs(weight).max(axis=0) / WEIGHT_LIMIT
    finest[finest == 0] = 1
    padded = np.concatenate([weight, np.zeros((len(weight) % 2, weight.shape[1]))])
    first, second = padded[::2], padded[1::2]
    sums = np.where(first * second > 0, np.abs(first + second), 0).max(axis=0)
    widest = np.maximum(finest, sums / PAIR_LIMIT)
    least = np.full(weight.shape[1], np.inf)
    scales = widest
    for part in np.linspace(1, 0, SCALES):
        # Rounded to fp32: the compensation is then for the scales that the runtime multiplies by.
        tried = (finest + part * (widest - finest)).astype(np.float32).astype(np.float64)
        whole = _first(first / tried, second / tried)
        errors = np.zeros_like(padded)
        errors[::2], errors[1::2] = whole * tried - first, _second(second / tried, whole) * tried - second
        found = squares @ np.square(errors[: len(weight)])
        scales = np.where(found < least, tried, scales)
        least = np.minimum(found, least)
    return np.asarray(scales)
