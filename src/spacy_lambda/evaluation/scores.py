"""Numbers of each document as one array, and precision, recall and F1 of their sums.

Only sums over documents are resampled, so that a confidence interval takes one product of matrices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from spacy_lambda.evaluation.matching import KINDS, Match

__all__ = [
    "SCHEMES",
    "Array",
    "Category",
    "CountTable",
    "Credit",
    "Ratios",
    "Scheme",
    "categories",
    "count_documents",
    "credits_of",
    "ratios",
]

Array = np.ndarray[Any, np.dtype[np.float64]]

Scheme = Literal["strict", "exact", "partial", "type"]
"""Schemes of SemEval-2013 task 9: bounds and label; bounds; overlap, of which other bounds are worth half; label."""

SCHEMES: tuple[Scheme, ...] = get_args(Scheme)

Category = Literal["correct", "incorrect", "partial", "missing", "spurious"]
"""Categories of MUC-5."""

CATEGORY: Mapping[Scheme, Mapping[str, Category]] = {
    "strict": {"correct": "correct", "label": "incorrect", "bounds": "incorrect", "both": "incorrect"},
    "exact": {"correct": "correct", "label": "correct", "bounds": "incorrect", "both": "incorrect"},
    "partial": {"correct": "correct", "label": "correct", "bounds": "partial", "both": "partial"},
    "type": {"correct": "correct", "label": "incorrect", "bounds": "correct", "both": "incorrect"},
}
"""The category of a pair by its kind; a span without a counterpart is missing or spurious in each scheme."""

CREDIT: Mapping[Category, float] = {"correct": 1.0, "partial": 0.5}
"""Credit of a pair; nothing for the other categories."""


@dataclass(frozen=True)
class CountTable:
    """Numbers of each document.

    *Shape:* ``(documents, kinds)`` of ``kinds``, in the order of ``matching.KINDS``; ``(documents, labels)`` of the
    others.

    :param labels: The labels, sorted.
    :param gold: Annotated spans of each label.
    :param predicted: Predicted spans of each label.
    :param correct: Predicted spans with the bounds and label of an annotated one.
    """

    labels: tuple[str, ...]
    kinds: Array
    gold: Array
    predicted: Array
    correct: Array

    @property
    def columns(self) -> Array:
        """All numbers side by side, as :meth:`split` separates them.

        *Shape:* ``(documents, kinds + 3 * labels)``
        """
        return np.concatenate([self.kinds, self.gold, self.predicted, self.correct], axis=1)

    def split(self, sums: Array) -> tuple[Array, Array, Array, Array]:
        """Return the sums of kinds, gold, predicted and correct of each resample.

        *Shape:* ``(resamples, kinds + 3 * labels)``
        """
        ends = np.cumsum([len(KINDS), *[len(self.labels)] * 2])
        kinds, gold, predicted, correct = np.split(sums, ends, axis=-1)
        return kinds, gold, predicted, correct


@dataclass(frozen=True)
class Credit:
    """Numbers of a scheme, or arrays of them."""

    correct: Array
    gold: Array
    predicted: Array


@dataclass(frozen=True)
class Ratios:
    """Precision, recall and F1: numbers, or arrays of them; 0 where there is nothing to divide by, as in spaCy."""

    p: Array
    r: Array
    f: Array


def count_documents(documents: Sequence[Sequence[Match]], labels: Sequence[str]) -> CountTable:
    """Count the pairs of each document.

    :param labels: Labels of all documents, sorted.
    """
    place, kind_place = {label: i for i, label in enumerate(labels)}, {kind: i for i, kind in enumerate(KINDS)}
    kinds = np.zeros((len(documents), len(KINDS)))
    gold, predicted, correct = (np.zeros((len(documents), len(labels))) for _ in range(3))
    for number, matches in enumerate(documents):
        for match in matches:
            kinds[number, kind_place[match.kind]] += 1
            if match.gold is not None:
                gold[number, place[match.gold.label]] += 1
                correct[number, place[match.gold.label]] += match.kind == "correct"
            if match.predicted is not None:
                predicted[number, place[match.predicted.label]] += 1
    return CountTable(tuple(labels), kinds, gold, predicted, correct)


def credits_of(kinds: Array, scheme: Scheme) -> Credit:
    """Return the credit of pairs in a scheme, from the numbers of each kind.

    *Shape:* ``(…, kinds)``
    """
    by_kind = np.array([CREDIT.get(CATEGORY[scheme].get(kind, "missing"), 0.0) for kind in KINDS])
    in_gold, in_predicted = (np.array([kind != other for kind in KINDS]) for other in ("spurious", "missed"))
    return Credit(kinds @ by_kind, kinds @ in_gold, kinds @ in_predicted)


def categories(kinds: Mapping[str, int], scheme: Scheme) -> dict[Category, int]:
    """Return the number of pairs in each category of MUC-5."""
    found: dict[Category, int] = dict.fromkeys(get_args(Category), 0)
    for kind, number in kinds.items():
        category: Category = {"missed": "missing", "spurious": "spurious"}.get(kind) or CATEGORY[scheme][kind]  # type: ignore[assignment]
        found[category] += number
    return found


def ratios(credit: Credit) -> Ratios:
    """Return precision, recall and F1."""
    return Ratios(
        _divided(credit.correct, credit.predicted),
        _divided(credit.correct, credit.gold),
        _divided(2 * credit.correct, credit.gold + credit.predicted),
    )


def _divided(numerator: Array, denominator: Array) -> Array:
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
