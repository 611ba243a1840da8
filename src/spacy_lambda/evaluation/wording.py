"""Names of schemes and kinds of errors, and figures, as reports show them."""

from __future__ import annotations

from collections.abc import Mapping

from spacy_lambda.evaluation.report import LabelScore, ScoreDifference
from spacy_lambda.evaluation.resampling import SHUFFLES, Interval
from spacy_lambda.evaluation.scores import Scheme

__all__ = ["KIND_NAMES", "NOT_PREDICTED", "SCHEME_NAMES", "bounds", "difference_cells", "label_cells", "p_value"]

NOT_PREDICTED = "not predicted"
"""Shown in place of the scores of a label that the pipeline does not have."""

SCHEME_NAMES: Mapping[Scheme, str] = {
    "strict": "strict: bounds and label",
    "exact": "exact: bounds alone",
    "partial": "partial: overlap is worth half",
    "type": "type: label, any overlap",
}

KIND_NAMES: Mapping[str, str] = {
    "label": "wrong label",
    "bounds": "wrong bounds",
    "both": "wrong label and bounds",
    "missed": "missed",
    "spurious": "spurious",
}


def bounds(interval: Interval | None, *, sign: str = "") -> str:
    """Return an interval for people: ``0.431–0.552``.

    :param interval: ``None`` if there are too few documents.
    :param sign: ``+`` for differences.
    """
    if interval is None:
        return "–"
    low, high = (f"{value:{sign}.3f}" for value in interval)
    return f"{low} to {high}" if sign else f"{low}–{high}"


def label_cells(one: LabelScore, *, digits: int) -> list[str]:
    """Return precision, recall, F1 and the interval of a label."""
    if not one.predictable:
        return [NOT_PREDICTED, "", "", ""]
    return [*(f"{value:.{digits}f}" for value in (one.p, one.r, one.f)), bounds(one.interval)]


def difference_cells(one: ScoreDifference) -> list[str]:
    """Return F1 of both pipelines, difference, interval and p-value."""
    scores = zip((one.f, one.other), one.predictable, strict=True)
    shown = [f"{value:.3f}" if has else NOT_PREDICTED for value, has in scores]
    if not all(one.predictable):
        return [*shown, "", "", ""]
    return [*shown, f"{one.difference:+.3f}", bounds(one.interval, sign="+"), p_value(one.p_value)]


def p_value(value: float | None) -> str:
    """Return a p-value for people, not smaller than the shuffles allow."""
    if value is None:
        return "n/a"
    return f"< {1 / SHUFFLES:g}" if value < 1 / SHUFFLES else f"{value:.3g}" if value < 0.01 else f"{value:.3f}"
