"""Durations of texts that are measured several times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spacy_lambda.sizing.durations import measure_durations, median_length


def test_one_slow_run_of_a_text_does_not_change_the_figure() -> None:
    durations: Iterator[float] = iter([1.0, 3.0, 90.0, 3.0, 1.0, 70.0])
    steps: list[tuple[int, int]] = []
    found = measure_durations(
        ("a", "b"),
        lambda text: next(durations),
        runs=3,
        budget_s=60.0,
        on_step=lambda step, done, total: steps.append((done, total)),
    )
    assert found.rounds == ((1.0, 3.0), (90.0, 3.0), (1.0, 70.0))
    assert found.typical == pytest.approx(2.0)
    assert steps == [(number, 6) for number in range(6)]


def test_what_is_slow_is_run_once() -> None:
    assert len(measure_durations(("a",), lambda text: 1.0, runs=3, budget_s=0.0).rounds) == 1


def test_the_median_length() -> None:
    assert median_length(("a", "bcd", "efghi")) == 3
