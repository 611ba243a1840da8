"""The result of an evaluation, and its JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from spacy_lambda.evaluation.matching import ERROR_KINDS, Match
from spacy_lambda.evaluation.resampling import Interval
from spacy_lambda.evaluation.scores import Category, Scheme
from spacy_lambda.evaluation.spans import ENTITIES, LabelledSpan

__all__ = [
    "Comparison",
    "Confusion",
    "DifferingDocument",
    "DocumentResult",
    "Evaluation",
    "LabelScore",
    "SchemeScore",
    "ScoreDifference",
]


@dataclass(frozen=True)
class SchemeScore:
    """Precision, recall and F1 in a scheme, with the numbers of pairs.

    :param interval: Interval of F1; ``None`` for fewer than two documents.
    :param categories: Numbers of pairs in each category.
    """

    p: float
    r: float
    f: float
    interval: Interval | None
    categories: Mapping[Category, int]


@dataclass(frozen=True)
class LabelScore:
    """Precision, recall and F1 of one label, by bounds and label.

    :param interval: Interval of F1; ``None`` if fewer than two documents have such spans.
    :param support: Annotated spans.
    :param predicted: Predicted spans.
    :param correct: Predicted spans that are annotated.
    :param predictable: False if the pipeline does not have the label, so that its scores are 0 without a prediction.
    """

    p: float
    r: float
    f: float
    interval: Interval | None
    support: int
    predicted: int
    correct: int
    predictable: bool = True


@dataclass(frozen=True)
class Confusion:
    """Numbers of pairs by their labels.

    :param labels: Labels of rows and columns; the last one, ``None``, is a missing span.
    :param counts: A row for each label of annotated spans, a column for each of predicted ones.
    """

    labels: tuple[str | None, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class DocumentResult:
    """One annotated document.

    :param document: Its number in the corpus.
    :param tokens: Offsets of the annotated tokens.
    :param matches: Pairs of its spans, in the order of the text.
    """

    document: int
    text: str
    tokens: tuple[tuple[int, int], ...]
    matches: tuple[Match, ...]

    @property
    def errors(self) -> tuple[Match, ...]:
        """Pairs that are not correct."""
        return tuple(match for match in self.matches if match.kind != "correct")

    @property
    def gold(self) -> tuple[LabelledSpan, ...]:
        """Annotated spans, sorted."""
        return tuple(sorted(match.gold for match in self.matches if match.gold is not None))

    @property
    def predicted(self) -> tuple[LabelledSpan, ...]:
        """Predicted spans, sorted."""
        return tuple(sorted(match.predicted for match in self.matches if match.predicted is not None))


@dataclass(frozen=True)
class ScoreDifference:
    """F1 of two pipelines.

    :param f: The evaluated pipeline's.
    :param other: The other one's.
    :param difference: The first minus the second.
    :param interval: Interval of the difference, by paired bootstrap; ``None`` if fewer than two documents have such
        spans.
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


@dataclass(frozen=True)
class Evaluation:
    """Scores and errors of a pipeline on an annotated corpus.

    :param pipeline: The pipeline, as it was given.
    :param name: Name and version in its metadata.
    :param corpus: The corpus, as it was given.
    :param documents: Documents of the corpus, with those that have no text.
    :param spans_key: Key of ``doc.spans`` that is evaluated; ``None`` for ``doc.ents``.
    :param results: The documents whose spans are annotated; none if the pipeline does not predict them.
    :param schemes: Scores of all spans; none if neither side has spans.
    :param labels: Scores of each label.
    :param confusion: Numbers of pairs of annotated and predicted spans, by their labels.
    :param spacy: Scores by spaCy's names, as ``spacy benchmark accuracy`` writes them, with the scores of each label.
    :param comparison: The comparison with another pipeline, if there is one.
    :param is_predicted: False if no component of the pipeline sets the annotated spans.
    :param annotated_documents: Documents whose spans are annotated, also if they are not predicted.
    :param annotated_spans: Their spans.
    :param hidden_files: Files of the corpus that are hidden, and not read.
    """

    pipeline: str
    name: str
    corpus: str
    documents: int
    spans_key: str | None
    results: tuple[DocumentResult, ...]
    schemes: Mapping[Scheme, SchemeScore]
    labels: Mapping[str, LabelScore]
    confusion: Confusion
    spacy: Mapping[str, Any]
    comparison: Comparison | None = None
    is_predicted: bool = True
    annotated_documents: int = 0
    annotated_spans: int = 0
    hidden_files: int = 0

    @property
    def not_predicted(self) -> tuple[str, ...]:
        """Labels of the corpus that the pipeline does not have."""
        return tuple(label for label, score in self.labels.items() if not score.predictable)

    @property
    def annotation(self) -> str:
        """Name of the evaluated spans: ``ents`` or ``spans[KEY]``."""
        return ENTITIES if self.spans_key is None else f"spans[{self.spans_key}]"

    @property
    def error_counts(self) -> dict[str, int]:
        """Numbers of errors by kind."""
        found = Counter(match.kind for result in self.results for match in result.errors)
        return {kind: found[kind] for kind in ERROR_KINDS}

    @property
    def label_errors(self) -> dict[str, dict[str, int]]:
        """Numbers of errors by the label of the annotated span, and of a spurious one by its own, and by kind."""
        found = Counter((match.labels[0], match.kind) for result in self.results for match in result.errors)
        return {label: {kind: found[label, kind] for kind in ERROR_KINDS} for label in self.labels}

    def to_dict(self) -> dict[str, Any]:
        """Return the scores and errors as plain values, with spaCy's scores beside ours."""
        scores = {
            "pipeline": self.pipeline,
            "name": self.name,
            "corpus": self.corpus,
            "documents": self.documents,
            "annotation": self.annotation,
            "annotated_documents": self.annotated_documents,
            "annotated_spans": self.annotated_spans,
            "hidden_files": self.hidden_files,
            "is_predicted": self.is_predicted,
            "not_predicted": list(self.not_predicted),
            "schemes": {scheme: _flat(score) for scheme, score in self.schemes.items()},
            "labels": {label: asdict(score) for label, score in self.labels.items()},
            "confusion": asdict(self.confusion),
            "errors": {"counts": self.error_counts, "labels": self.label_errors, "items": list(self._items())},
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
        }
        return {**self.spacy, **scores}

    def to_html(self) -> str:
        """Return the report as one HTML file that loads nothing."""
        from spacy_lambda.evaluation.html_report import draw_report

        return draw_report(self)

    def _items(self) -> Iterator[dict[str, Any]]:
        for result in self.results:
            for match in result.errors:
                sides = {"gold": _item(match.gold, result.text), "predicted": _item(match.predicted, result.text)}
                yield {"document": result.document, "kind": match.kind, **sides}


def _flat(score: SchemeScore) -> dict[str, Any]:
    found = asdict(score)
    return {**{key: value for key, value in found.items() if key != "categories"}, **found["categories"]}


def _item(span: LabelledSpan | None, text: str) -> dict[str, Any] | None:
    return None if span is None else {**asdict(span), "text": text[span.start : span.end]}
