"""Integer weights: within their range, close to the original weights, and with close hidden states."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("onnx")

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from onnx import TensorProto

from spacy_lambda.compiler.graphs.builder import GraphBuilder
from spacy_lambda.compiler.graphs.encoder_graph import build_graph
from spacy_lambda.compiler.graphs.layers import LINEARS
from spacy_lambda.compiler.graphs.products import ExactInputs, QuantizedLinear, multiply_quantized
from spacy_lambda.compiler.graphs.weights import EncoderWeights, Linear
from spacy_lambda.compiler.quantize import (
    BLOCK,
    PAIR_LIMIT,
    RECIPES,
    WEIGHT_LIMIT,
    Calibration,
    Recipe,
    _balance,
    _moments,
    _round,
    calibrate,
    quantize_linears,
    quantize_table,
)
from spacy_lambda.runtime.onnx_import import import_onnxruntime
from tests.compiler.arrays import INNER, VOCABULARY, WIDTH, encode, random_encoder, run

Array = npt.NDArray[Any]
RNG = np.random.default_rng(1)
WINDOWS = [RNG.integers(2, VOCABULARY, size=12).tolist() for _ in range(8)]


def calibrated(weights: EncoderWeights) -> dict[Any, Calibration]:
    return calibrate(weights, WINDOWS, on_step=lambda done, total: None)


def correlated(rows: int, width: int) -> Array:
    """Inputs that move together, as those of an encoder do."""
    return RNG.normal(size=(rows, width // 4)) @ RNG.normal(size=(width // 4, width)) + 0.1 * RNG.normal(
        size=(rows, width)
    )


floats = st.floats(-1e3, 1e3, width=32)


@given(arrays_of.arrays(np.float32, arrays_of.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=floats))
def test_an_embedding_comes_back_to_half_a_step(table: Array) -> None:
    found = quantize_table(table)
    assert found.values.dtype == np.int8
    assert np.abs(found.values.astype(int)).max() <= 127
    assert found.scales.shape == (len(table), 1)
    error = np.abs(found.values * found.scales.astype(np.float64) - table)
    assert (error <= 0.501 * found.scales + 1e-30).all()


def test_an_embedding_of_zeros_stays_so() -> None:
    found = quantize_table(np.zeros((2, 4), dtype=np.float32))
    assert not found.values.any()
    assert (found.scales == 1).all()


def pair_sums(values: Array) -> Array:
    """Return the larger sum of the weights of one sign, of each pair. *Shape:* ``(pairs, outputs)``"""
    padded = np.concatenate([values, np.zeros((len(values) % 2, values.shape[1]))]).reshape(-1, 2, values.shape[1])
    return np.asarray(np.maximum(np.maximum(padded, 0).sum(axis=1), np.maximum(-padded, 0).sum(axis=1)))


@pytest.mark.parametrize("inputs", [1, 7, BLOCK, 2 * BLOCK + 3])
def test_weights_have_8_bits_and_a_scale_for_each_output(inputs: int) -> None:
    weight = RNG.normal(size=(inputs, 5)) * np.array([1e-3, 1, 10, 0, 1e3])
    values, scales, _ = _round(weight, _moments(RNG.normal(size=(64, inputs)).astype(np.float32)))
    assert values.dtype == np.int8
    assert (values.shape, scales.shape) == (weight.shape, (5,))
    assert np.abs(values.astype(int)).max() <= WEIGHT_LIMIT
    assert pair_sums(values).max() <= PAIR_LIMIT
    finest, widest = np.abs(weight).max(axis=0) / WEIGHT_LIMIT, pair_sums(weight).max(axis=0) / PAIR_LIMIT
    chosen = [0, 1, 2, 4]
    assert (scales[chosen] > 0.9999 * finest[chosen]).all()
    assert (scales[chosen] < 1.0001 * np.maximum(finest, widest)[chosen]).all()
    assert scales[3] == 1
    assert not values[:, 3].any()


@given(
    arrays_of.arrays(
        np.float64, arrays_of.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.floats(-1e3, 1e3, width=32)
    )
)
def test_a_pair_of_products_fits_16_bits(weight: Array) -> None:
    """CPUs without VNNI add two products in 16 bits; compensation must not lead beyond them."""
    moments = np.full((len(weight), len(weight)), 1e6) + np.eye(len(weight))
    values, _, _ = _round(weight, moments)
    assert np.iinfo(np.int16).max >= np.iinfo(np.uint8).max * pair_sums(values).max(initial=0)


def test_without_correlation_each_weight_comes_back_to_half_a_step() -> None:
    weight = RNG.normal(size=(20, 6))
    weight[1::2] = -np.sign(weight[::2]) * np.abs(weight[1::2])  # pairs within their limit
    values, scales, _ = _round(weight, np.eye(20))
    assert (np.abs(values * scales.astype(np.float64) - weight) <= 0.501 * scales).all()


def test_both_weights_of_a_pair_bear_what_is_beyond_its_limit() -> None:
    weight = np.array([[1.0, -1.0], [0.9, -0.9], [0.5, 0.0], [-0.8, 0.1]])
    values, scales, _ = _round(weight, np.eye(4))
    assert pair_sums(values).max() <= PAIR_LIMIT
    errors = np.abs(values * scales.astype(np.float64) - weight)[:2] / scales
    assert np.abs(errors[0] - errors[1]).max() <= 1


def test_compensation_beats_rounding_on_inputs_that_move_together() -> None:
    weight, inputs = RNG.normal(size=(64, 6)), correlated(256, 64)
    values, scales, _ = _round(weight, inputs.T @ inputs)
    nearest = np.round(weight / scales)
    errors = [np.square(inputs @ (one * scales - weight)).mean() for one in (values.astype(np.float64), nearest)]
    assert errors[0] < 0.7 * errors[1]


def test_exact_inputs_are_not_rounded_and_bear_a_part_of_the_errors() -> None:
    weight, inputs, exact = RNG.normal(size=(65, 6)), correlated(256, 65), np.array([3, 4, 64])
    moments = inputs.T @ inputs
    values, scales, rest = _round(weight, moments, exact)
    assert not values[exact].any()
    assert pair_sums(values).max() <= PAIR_LIMIT
    others = np.delete(np.arange(65), exact)
    part = inputs[:, others] @ (values * scales.astype(np.float64))[others]
    errors = [np.square(part + inputs[:, exact] @ one - inputs @ weight).mean() for one in (rest, weight[exact])]
    assert errors[0] < errors[1]
    without, scales, _ = _round(weight, moments)
    assert errors[0] < np.square(inputs @ (without * scales.astype(np.float64) - weight)).mean()


@pytest.mark.parametrize(("per_row", "terms"), [("signed", 1), ("activations", 1), (None, 1), (None, 2)])
@pytest.mark.parametrize("bias", [None, np.arange(8, dtype=np.float32)])
def test_exact_inputs_do_not_limit_the_others(per_row: Any, terms: Any, bias: Any) -> None:
    identity, scale = np.eye(8, dtype=np.int8), np.ones(8, dtype=np.float32)
    identity[[0, 5]] = scale[[0, 5]] = 0
    exact = ExactInputs(np.array([0, 5]), np.eye(8, dtype=np.float32)[[0, 5]])
    linear = QuantizedLinear(identity, np.ones(8, dtype=np.float32), bias, scale, per_row, terms, exact)
    rows = np.abs(RNG.normal(size=(5, 8))).astype(np.float32)
    rows[:, [0, 5]] *= 1000
    expected = rows + (0 if bias is None else bias)
    found = product(linear, rows)
    np.testing.assert_allclose(found[:, [0, 5]], expected[:, [0, 5]], rtol=1e-6)
    assert np.abs(found - expected).max() < 4 / 255


def test_the_largest_inputs_are_exact() -> None:
    weights = random_encoder(layers=1)
    seen = calibrated(weights)
    recipes = {**RECIPES, "ffn_in": Recipe(smoothing=0.5, per_row=True, exact=3), "attention_out": Recipe(exact=2)}
    linears = dict(quantize_linears(weights, seen, recipes))
    for name, count in (("ffn_in", 3), ("attention_out", 2)):
        linear = linears[0, name]
        assert linear.exact is not None
        assert linear.input_scale is not None
        assert set(linear.exact.indices) == set(np.argsort(-seen[0, name].largest)[:count])
        assert not linear.input_scale[linear.exact.indices].any()
        assert np.count_nonzero(linear.input_scale) == WIDTH - count
    (found,) = run(build_graph(weights, linears=linears), WINDOWS[0])
    expected = encode(weights, WINDOWS[0])
    assert np.sqrt(np.square(found[0] - expected).mean() / np.square(expected).mean()) < 0.1


def test_balancing_leaves_the_product_as_it_is() -> None:
    linear = Linear(RNG.normal(size=(8, 5)).astype(np.float32), np.zeros(5, dtype=np.float32))
    inputs = RNG.normal(size=(9, 8)) * np.array([100, 1, 1, 1, 1, 1, 1, 0])
    seen = Calibration(np.abs(inputs).max(axis=0), inputs.T @ inputs)
    factor = _balance(linear, seen, 0.5)
    np.testing.assert_allclose((inputs / factor) @ (linear.weight * factor[:, np.newaxis]), inputs @ linear.weight)
    assert np.exp(np.log(factor).mean()) == pytest.approx(1)
    assert factor[0] == factor.max()
    ranges = [np.abs(one).max(axis=0)[:7] for one in (inputs, inputs / factor)]
    assert np.ptp(np.log(ranges[1])) < np.ptp(np.log(ranges[0]))


def test_moments_of_large_activations_do_not_overflow() -> None:
    rows = np.full((4, 2), 1e30, dtype=np.float32)
    np.testing.assert_allclose(_moments(rows), np.full((2, 2), 4e60), rtol=1e-6)


def test_calibration_sees_every_product_and_window() -> None:
    weights, steps = random_encoder(), list[tuple[int, int]]()
    found = calibrate(weights, WINDOWS, on_step=lambda done, total: steps.append((done, total)))
    assert list(found) == [(layer, name) for layer in range(2) for name in LINEARS]
    assert [found[0, name].largest.shape for name in LINEARS] == [(WIDTH,), (WIDTH,), (WIDTH,), (INNER,)]
    assert steps == [(number + 1, len(WINDOWS)) for number in range(len(WINDOWS))]
    one = calibrate(weights, WINDOWS[:1], on_step=lambda done, total: None)
    assert (found[1, "ffn_in"].largest >= one[1, "ffn_in"].largest).all()
    assert np.trace(found[1, "ffn_in"].moments) > np.trace(one[1, "ffn_in"].moments)


def test_the_quantized_encoder_is_close_to_its_original() -> None:
    weights = random_encoder(layers=1)
    linears = dict(quantize_linears(weights, calibrated(weights)))
    assert set(RECIPES) == set(LINEARS)
    assert list(linears) == [(0, name) for name in LINEARS]
    for (_, name), linear in linears.items():
        assert pair_sums(linear.weight).max() <= PAIR_LIMIT
        assert (linear.input_scale is None) == (name == "attention_out" or RECIPES[name].smoothing is None)
        assert (linear.per_row is not None) == RECIPES[name].per_row
    (found,) = run(build_graph(weights, linears=linears, words=quantize_table(weights.words)), WINDOWS[0])
    expected = encode(weights, WINDOWS[0])
    error = np.sqrt(np.square(found[0] - expected).mean() / np.square(expected).mean())
    assert 1e-4 < error < 0.1


def hidden_error(recipes: dict[str, Recipe]) -> float:
    weights = random_encoder(layers=2)
    linears = dict(quantize_linears(weights, calibrated(weights), recipes))
    (found,) = run(build_graph(weights, linears=linears), WINDOWS[0])
    expected = encode(weights, WINDOWS[0])
    return float(np.sqrt(np.square(found[0] - expected).mean() / np.square(expected).mean()))


def test_a_second_term_takes_the_error_of_the_inputs_away() -> None:
    one, two = (hidden_error(dict.fromkeys(LINEARS, Recipe(terms=terms))) for terms in (1, 2))
    assert two < 0.95 * one


def test_inputs_of_two_terms_have_16_bits() -> None:
    identity = QuantizedLinear(np.eye(8, dtype=np.int8), np.ones(8, dtype=np.float32), None, None, None, terms=2)
    rows = RNG.normal(size=(5, 8)).astype(np.float32) * np.array([100, 1, 1, 1, 1, 1, 1, 0], dtype=np.float32)
    found = product(identity, rows)
    assert np.abs(found - rows).max() < np.ptp(rows) / 255 / 255
    np.testing.assert_array_equal(found, product(identity, rows))


def test_rounding_is_deterministic() -> None:
    weights = random_encoder(layers=1)
    first, second = (dict(quantize_linears(weights, calibrated(weights))) for _ in range(2))
    for key, linear in first.items():
        np.testing.assert_array_equal(linear.weight, second[key].weight)
        np.testing.assert_array_equal(linear.scales, second[key].scales)


def product(linear: QuantizedLinear, rows: Array) -> Array:
    g = GraphBuilder()
    model = g.build("x", multiply_quantized(g, linear, "x"), "y", ["rows", linear.weight.shape[1]])
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    session = import_onnxruntime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": rows})[0])


def test_layers_that_share_weights_are_quantized_once() -> None:
    one = random_encoder(layers=1)
    shared = replace(one, layers=one.layers * 2)
    seen = calibrated(shared)
    assert list(seen) == [(0, name) for name in LINEARS]
    assert np.trace(seen[0, "qkv"].moments) > np.trace(calibrated(one)[0, "qkv"].moments)
    linears = dict(quantize_linears(shared, seen))
    assert list(linears) == [(0, name) for name in LINEARS]
    graph = build_graph(shared, linears=linears)
    assert len(graph.graph.initializer) == len(build_graph(one, linears=linears).graph.initializer)
    (found,), expected = run(graph, WINDOWS[0]), encode(shared, WINDOWS[0])
    assert np.sqrt(np.square(found[0] - expected).mean() / np.square(expected).mean()) < 0.2


def test_products_that_are_missing_stay_in_fp32() -> None:
    weights = replace(random_encoder(), activation="relu")
    (found,) = run(build_graph(weights, linears={}), WINDOWS[0])
    np.testing.assert_allclose(found[0], encode(weights, WINDOWS[0]), atol=1e-4)
