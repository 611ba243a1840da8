"""Names of schemes and kinds of errors, and figures, as reports show them."""

from __future__ import annotations

from collections.abc import Mapping

from spacy_lambda.evaluation.resampling import SHUFFLES, Interval
from spacy_lambda.evaluation.scores import Scheme

__all__ = ["KIND_NAMES", "SCHEME_NAMES", "bounds", "p_value"]

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

    :param sign: ``+`` for differences.
    """
    if interval is None:
        return "n/a"
    low, high = (f"{value:{sign}.3f}" for value in interval)
    return f"{low} to {high}" if sign else f"{low}–{high}"


def p_value(value: float | None) -> str:
    """Return a p-value for people, not smaller than the shuffles allow."""
    if value is None:
        return "n/a"
    return f"< {1 / SHUFFLES:g}" if value < 1 / SHUFFLES else f"{value:.3g}" if value < 0.01 else f"{value:.3f}"
