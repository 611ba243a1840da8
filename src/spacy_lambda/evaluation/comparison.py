"""Two pipelines on one corpus: differences of their scores, and the documents on which they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from spacy_lambda.evaluation.matching import Match
from spacy_lambda.evaluation.resampling import Interval, Mask, bootstrap_sums, interval_of, randomization_p_value
from spacy_lambda.evaluation.scores import (
    SCHEMES,
    Array,
    CountTable,
    Credit,
    Scheme,
    count_documents,
    credits_of,
    ratios,
)
from spacy_lambda.evaluation.spans import LabelledSpan

if TYPE_CHECKING:
    from spacy_lambda.evaluation.report import DocumentResult, Evaluation

__all__ = ["Comparison", "DifferingDocument", "ScoreDifference", "compare"]


@dataclass(frozen=True)
class ScoreDifference:
    """F1 of two pipelines.

    :param f: The evaluated pipeline's.
    :param other: The other one's.
    :param difference: The first minus the second.
    :param interval: Of the difference, by paired bootstrap; ``None`` for one document.
    :param p_value: Two-sided, by approximate randomization; ``None`` for one document.
    :param predictable: False for a pipeline that does not have the label; the evaluated one's first.
    """

    f: float
    other: float
    difference: float
    interval: Interval | None
    p_value: float | None
    predictable: tuple[bool, bool] = (True, True)


@dataclass(frozen=True)
class DifferingDocument:
    """A document on which the predicted spans differ.

    :param document: Its number in the corpus.
    :param gained: Annotated spans that only the evaluated pipeline predicts.
    :param lost: Annotated spans that only the other one predicts.
    :param errors: Errors of the evaluated pipeline, and of the other one.
    """

    document: int
    gained: tuple[LabelledSpan, ...]
    lost: tuple[LabelledSpan, ...]
    errors: tuple[int, int]


@dataclass(frozen=True)
class Comparison:
    """The evaluated pipeline compared with another one.

    :param other: The other one's evaluation.
    :param schemes: Differences over all spans.
    :param labels: Differences for each label of either.
    :param differing: Documents on which the predicted spans differ.
    """

    other: Evaluation
    schemes: Mapping[Scheme, ScoreDifference]
    labels: Mapping[str, ScoreDifference]
    differing: tuple[DifferingDocument, ...]

    @property
    def fewer_errors(self) -> int:
        """Documents on which the evaluated pipeline makes fewer errors."""
        return sum(one.errors[0] < one.errors[1] for one in self.differing)

    @property
    def more_errors(self) -> int:
        """Documents on which it makes more."""
        return sum(one.errors[0] > one.errors[1] for one in self.differing)

    def to_dict(self) -> dict[str, Any]:
        """Return the differences, and the other pipeline's scores, as plain values."""
        return {
            "schemes": {scheme: asdict(one) for scheme, one in self.schemes.items()},
            "labels": {label: asdict(one) for label, one in self.labels.items()},
            "fewer_errors": self.fewer_errors,
            "more_errors": self.more_errors,
            "differing_documents": [asdict(one) for one in self.differing],
            "other": self.other.to_dict(),
        }


def compare(first: Evaluation, second: Evaluation, *, seed: int) -> Comparison:
    """Compare two evaluations on the same documents.

    :param seed: Of the resamples.
    """
    labels = sorted({*first.labels, *second.labels})
    tables = [count_documents([one.matches for one in found.results], labels) for found in (first, second)]
    both = _Paired(tables[0], tables[1], seed)
    return Comparison(
        other=second,
        schemes={scheme: both.scheme(scheme) for scheme in SCHEMES} if first.schemes else {},
        labels={
            label: replace(both.label(place), predictable=(_has(first, label), _has(second, label)))
            for place, label in enumerate(labels)
        },
        differing=tuple(
            _differing(one, other)
            for one, other in zip(first.results, second.results, strict=True)
            if one.predicted != other.predicted
        ),
    )


def _has(evaluation: Evaluation, label: str) -> bool:
    return label not in evaluation.not_predicted


class _Paired:
    """Numbers of two pipelines, and their sums over the same resamples."""

    def __init__(self, first: CountTable, second: CountTable, seed: int) -> None:
        self._tables, self._columns, self._seed = (first, second), (first.columns, second.columns), seed
        self._several = len(first.kinds) > 1
        self._resampled = [bootstrap_sums(one, seed=seed) if self._several else None for one in self._columns]

    def scheme(self, scheme: Scheme) -> ScoreDifference:
        return self._difference(lambda sums: credits_of(self._tables[0].split(sums)[0], scheme))

    def label(self, place: int) -> ScoreDifference:
        def credit(sums: Array) -> Credit:
            _, gold, predicted, correct = self._tables[0].split(sums)
            return Credit(correct[..., place], gold[..., place], predicted[..., place])

        return self._difference(credit)

    def _difference(self, credit: Callable[[Array], Credit]) -> ScoreDifference:
        def score(sums: Array) -> Array:
            return ratios(credit(sums)).f

        first, second = (float(score(one.sum(axis=0))) for one in self._columns)
        resampled = [credit(one) for one in self._resampled if one is not None]
        documents = int(np.count_nonzero(_occurs([credit(one) for one in self._columns])))
        return ScoreDifference(
            first,
            second,
            first - second,
            interval_of(ratios(resampled[0]).f - ratios(resampled[1]).f, _occurs(resampled), documents)
            if resampled
            else None,
            randomization_p_value(*self._columns, score, seed=self._seed) if self._several else None,
        )


def _occurs(both: Sequence[Credit]) -> Mask:
    """Return which rows have spans, annotated or predicted by either pipeline."""
    spans = sum((one.gold + one.predicted for one in both), start=np.zeros(()))
    return np.asarray(spans > 0)


def _differing(first: DocumentResult, second: DocumentResult) -> DifferingDocument:
    correct, other = _correct(first.matches), _correct(second.matches)
    return DifferingDocument(
        first.document,
        tuple(sorted(correct - other)),
        tuple(sorted(other - correct)),
        (len(first.errors), len(second.errors)),
    )


def _correct(matches: Sequence[Match]) -> set[LabelledSpan]:
    return {match.gold for match in matches if match.gold is not None and match.kind == "correct"}
