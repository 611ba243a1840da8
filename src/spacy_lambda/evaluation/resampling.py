"""Confidence intervals by bootstrap, and p-values by approximate randomization, over documents.

Documents are resampled rather than spans, because spans of one document are not independent. The draws depend on the
seed and the number of documents alone, so that two pipelines get the same resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from spacy_lambda.evaluation.scores import Array

__all__ = [
    "RESAMPLES",
    "SHUFFLES",
    "Interval",
    "Mask",
    "bootstrap_sums",
    "interval",
    "interval_of",
    "randomization_p_value",
]

Interval = tuple[float, float]
"""Lower and upper bound, 95 %."""

Mask = NDArray[np.bool_]

RESAMPLES = 2_000
"""Resamples of a bootstrap."""

SHUFFLES = 10_000
"""Shuffles of a test of approximate randomization."""

LEVEL = (0.025, 0.975)
AT_ONCE = 1 << 22
"""Random numbers in memory."""

MIN_DOCUMENTS = 2
"""Minimum number of documents with spans to score for an interval."""

TOLERANCE = 1e-12
"""Difference below which two scores are equal."""


def bootstrap_sums(columns: Array, *, seed: int) -> Array:
    """Return sums over documents that are drawn with replacement, as many as there are (Efron, 1979).

    *Shape:* ``(documents, columns)`` -> ``(resamples, columns)``

    :param seed: Equal seeds draw the same documents.
    """
    number = len(columns)
    generator, even = np.random.default_rng(seed), np.full(number, 1 / number)
    return np.concatenate(
        [generator.multinomial(number, even, size=size) @ columns for size in _sizes(RESAMPLES, number)]
    )


def interval(resampled: Array) -> Interval:
    """Return the 95 % percentile interval of a score's resamples."""
    low, high = np.quantile(resampled, LEVEL)
    return float(low), float(high)


def interval_of(resampled: Array, occurs: Mask, documents: int) -> Interval | None:
    """Return the interval of a score that not every resample has.

    *Shape:* ``(resamples,)``

    :param occurs: Resamples that have spans to score; in the others, the score would be 0 by convention.
    :param documents: Documents with such spans.
    :returns: ``None`` if these are too few for an interval.
    """
    return interval(resampled[occurs]) if documents >= MIN_DOCUMENTS else None


def randomization_p_value(first: Array, second: Array, score: Callable[[Array], Array], *, seed: int) -> float:
    """Return the two-sided p-value of the difference of two pipelines' scores, by approximate randomization.

    The numbers of each document are exchanged between the pipelines or not, at random: the p-value is the part of
    these shuffles whose difference is as large (Noreen, 1989; Yeh, 2000).

    *Shape:* ``(documents, columns)`` of both

    :param score: Sums of the columns -> scores.
    """
    generator, change = np.random.default_rng(seed), second - first
    sums, others = first.sum(axis=0), second.sum(axis=0)
    observed = abs(float(score(sums) - score(others)))
    as_large = 0
    for size in _sizes(SHUFFLES, len(first)):
        moved = generator.integers(0, 2, (size, len(first))) @ change
        differences = np.abs(score(sums + moved) - score(others - moved))
        as_large += int(np.count_nonzero(differences >= observed - TOLERANCE))
    return (as_large + 1) / (SHUFFLES + 1)


def _sizes(total: int, documents: int) -> Iterator[int]:
    """Yield the numbers of rows that are drawn at once."""
    step = max(1, AT_ONCE // documents)
    yield from (min(step, total - begin) for begin in range(0, total, step))
