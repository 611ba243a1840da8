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

from spacy_lambda.compiler.graphs.encoder_graph import build_graph
from spacy_lambda.compiler.graphs.layers import LINEARS
from spacy_lambda.compiler.graphs.weights import EncoderWeights, Linear
from spacy_lambda.compiler.quantize import (
    BLOCK,
    PER_ROW,
    SMOOTHING_ALPHA,
    WEIGHT_LIMIT,
    Calibration,
    _balance,
    _moments,
    _round,
    calibrate,
    quantize_linears,
    quantize_table,
)
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


@pytest.mark.parametrize("inputs", [1, 7, BLOCK, 2 * BLOCK + 3])
def test_weights_have_7_bits_and_a_scale_for_each_output(inputs: int) -> None:
    weight = RNG.normal(size=(inputs, 5)) * np.array([1e-3, 1, 10, 0, 1e3])
    values, scales = _round(weight, _moments(RNG.normal(size=(64, inputs)).astype(np.float32)))
    assert values.dtype == np.int8
    assert (values.shape, scales.shape) == (weight.shape, (5,))
    assert values.min() >= -WEIGHT_LIMIT - 1
    assert values.max() <= WEIGHT_LIMIT
    np.testing.assert_allclose(scales[[0, 1, 2, 4]] * WEIGHT_LIMIT, np.abs(weight).max(axis=0)[[0, 1, 2, 4]], rtol=1e-6)
    assert scales[3] == 1
    assert not values[:, 3].any()


def test_products_of_two_weights_and_inputs_fit_16_bits() -> None:
    """Pairs are added in 16 bits on CPUs without VNNI."""
    assert np.iinfo(np.int16).max >= 2 * 255 * (WEIGHT_LIMIT + 1)


def test_without_correlation_each_weight_comes_back_to_half_a_step() -> None:
    weight = RNG.normal(size=(20, 6))
    values, scales = _round(weight, np.eye(20))
    assert (np.abs(values * scales.astype(np.float64) - weight) <= 0.501 * scales).all()


def test_compensation_beats_rounding_on_inputs_that_move_together() -> None:
    weight, inputs = RNG.normal(size=(64, 6)), correlated(256, 64)
    values, scales = _round(weight, inputs.T @ inputs)
    nearest = np.clip(np.round(weight / scales), -WEIGHT_LIMIT - 1, WEIGHT_LIMIT)
    errors = [np.square(inputs @ (one * scales - weight)).mean() for one in (values.astype(np.float64), nearest)]
    assert errors[0] < 0.7 * errors[1]


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
    assert set(SMOOTHING_ALPHA) == set(LINEARS)
    assert list(linears) == [(0, name) for name in LINEARS]
    for (_, name), linear in linears.items():
        assert np.abs(linear.weight.astype(int)).max() <= WEIGHT_LIMIT + 1
        assert (linear.input_scale is None) == (name == "attention_out")
        assert (linear.per_row is not None) == (name in PER_ROW)
    (found,) = run(build_graph(weights, linears=linears, words=quantize_table(weights.words)), WINDOWS[0])
    expected = encode(weights, WINDOWS[0])
    error = np.sqrt(np.square(found[0] - expected).mean() / np.square(expected).mean())
    assert 1e-4 < error < 0.1


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
