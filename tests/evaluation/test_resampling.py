"""Intervals and p-values: against what they estimate, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from spacy_lambda.evaluation import resampling
from spacy_lambda.evaluation.resampling import RESAMPLES, bootstrap_sums, interval, interval_of, randomization_p_value
from spacy_lambda.evaluation.scores import Array


def mean(sums: Array) -> Array:
    found: Array = sums[..., 0] / sums[..., 1]
    return found


def columns(values: Array) -> Array:
    return np.stack([values, np.ones_like(values)], axis=1)


def test_the_interval_is_that_of_the_normal_distribution_for_a_mean() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.1, 400)
    low, high = interval(mean(bootstrap_sums(columns(values), seed=0)))
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=half / 8)
    assert high == pytest.approx(values.mean() + half, abs=half / 8)


def test_equal_seeds_draw_the_same_documents_and_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    table = columns(np.arange(7.0))
    found = bootstrap_sums(table, seed=3)
    assert found.shape == (RESAMPLES, 2)
    assert np.array_equal(found[:, 1], np.full(RESAMPLES, 7.0))
    assert not np.array_equal(found, bootstrap_sums(table, seed=4))
    monkeypatch.setattr(resampling, "AT_ONCE", 100)
    assert np.array_equal(found, bootstrap_sums(table, seed=3))


def test_the_p_value_is_that_of_all_shuffles() -> None:
    """Of the 2**8 shuffles of eight equal differences, two are as large: none and all of them."""
    first, second = columns(np.ones(8)), columns(np.zeros(8))
    assert randomization_p_value(first, second, mean, seed=0) == pytest.approx(2 / 256, abs=0.003)


def test_equal_pipelines_differ_by_chance() -> None:
    table = columns(np.arange(5.0))
    assert randomization_p_value(table, table, mean, seed=0) == 1.0


def test_p_values_of_equally_good_pipelines_are_even() -> None:
    generator = np.random.default_rng(2)
    found = []
    for seed in range(60):
        first, second = columns(generator.random(30)), columns(generator.random(30))
        found.append(randomization_p_value(first, second, mean, seed=seed))
    assert sum(one < 0.5 for one in found) == pytest.approx(30, abs=15)
    assert sum(one < 0.05 for one in found) <= 9


def test_resamples_without_spans_of_a_label_are_left_out() -> None:
    scores = np.array([0.0] * 100 + [0.5] * 100)
    assert interval_of(scores, scores > 0, 2) == (0.5, 0.5)
    assert interval_of(scores, scores > 0, 1) is None
