"""Spans of one document -> pairs of an annotated and a predicted one, each correct or an error of a kind.

The pairs are one to one, and those of MUC-5 (Chinchor and Sundheim, 1993) as SemEval-2013 task 9 (Segura-Bedmar et al.,
2013) uses them for spans: a span with the same bounds and label is correct, one that overlaps is incorrect or partial,
and what has no counterpart is missing or spurious.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from spacy_lambda.evaluation.spans import LabelledSpan

__all__ = ["ERROR_KINDS", "KINDS", "ErrorKind", "Match", "match_spans"]

ErrorKind = Literal["label", "bounds", "both", "missed", "spurious"]
"""Wrong label, wrong bounds, both, no prediction, or no annotation."""

ERROR_KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)
KINDS = ("correct", *ERROR_KINDS)


@dataclass(frozen=True)
class Match:
    """An annotated span and the predicted one that it is compared with; one of them may be missing."""

    gold: LabelledSpan | None
    predicted: LabelledSpan | None

    @property
    def kind(self) -> str:
        """One of :data:`KINDS`."""
        if self.predicted is None:
            return "missed"
        if self.gold is None:
            return "spurious"
        if _bounds(self.gold) == _bounds(self.predicted):
            return "correct" if self.gold.label == self.predicted.label else "label"
        return "bounds" if self.gold.label == self.predicted.label else "both"

    @property
    def start(self) -> int:
        """The first character of either."""
        return min(span.start for span in (self.gold, self.predicted) if span is not None)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of both, each once, the annotated one first."""
        return tuple(dict.fromkeys(span.label for span in (self.gold, self.predicted) if span is not None))


Pairing = tuple[int, int]
"""Number of an annotated span, and of a predicted one."""


def match_spans(gold: Sequence[LabelledSpan], predicted: Sequence[LabelledSpan]) -> list[Match]:
    """Pair the spans of a document, each at most once.

    Equal spans come first, then those with the same bounds, then overlapping ones with the same label, then other
    overlapping ones; within these, the pair with the larger overlap, as a part of both together, and then the first.
    """
    gold, predicted = sorted(gold), sorted(predicted)
    found: list[Pairing] = []
    for allowed in (_equal, _same_bounds, _same_label, _overlap):
        found += _paired(gold, predicted, allowed, found)
    pairs = [Match(gold[i], predicted[j]) for i, j in found]
    paired_gold, paired_predicted = {i for i, _ in found}, {j for _, j in found}
    pairs += [Match(span, None) for i, span in enumerate(gold) if i not in paired_gold]
    pairs += [Match(None, span) for j, span in enumerate(predicted) if j not in paired_predicted]
    return sorted(pairs, key=lambda match: match.start)


def _paired(
    gold: Sequence[LabelledSpan],
    predicted: Sequence[LabelledSpan],
    overlap: Callable[[LabelledSpan, LabelledSpan], float],
    found: Sequence[Pairing],
) -> Iterator[Pairing]:
    taken, used = {i for i, _ in found}, {j for _, j in found}
    candidates = [
        (-size, i, j)
        for i, one in enumerate(gold)
        if i not in taken
        for j, other in enumerate(predicted)
        if j not in used and (size := overlap(one, other))
    ]
    for _, i, j in sorted(candidates):
        if i not in taken and j not in used:
            taken.add(i)
            used.add(j)
            yield i, j


def _equal(one: LabelledSpan, other: LabelledSpan) -> float:
    return float(one == other)


def _same_bounds(one: LabelledSpan, other: LabelledSpan) -> float:
    return float(_bounds(one) == _bounds(other))


def _same_label(one: LabelledSpan, other: LabelledSpan) -> float:
    return _overlap(one, other) if one.label == other.label else 0.0


def _overlap(one: LabelledSpan, other: LabelledSpan) -> float:
    """Return the share of the characters of either span that both cover."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    return max(shared, 0) / max(max(one.end, other.end) - min(one.start, other.start), 1)


def _bounds(span: LabelledSpan) -> tuple[int, int]:
    return span.start, span.end
