"""Two pipelines on one corpus: differences of their scores, and the documents on which they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from spacy_lambda.evaluation.matching import Match
from spacy_lambda.evaluation.report import Comparison, DifferingDocument, DocumentResult, Evaluation, ScoreDifference
from spacy_lambda.evaluation.resampling import Mask, bootstrap_sums, interval_of, randomization_p_value
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

__all__ = ["compare"]


def compare(first: Evaluation, second: Evaluation, *, seed: int) -> Comparison:
    """Compare two evaluations on the same documents.

    :param seed: Seed of the resamples.
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
