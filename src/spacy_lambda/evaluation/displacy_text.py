"""Spans of a text -> displaCy's markup: entities as marks, overlapping spans on lines below the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from spacy import displacy

from spacy_lambda.evaluation.spans import LabelledSpan

__all__ = ["MARK_COLORS", "draw_text", "label_colors"]

MARK_COLORS = (
    "#8fd3ff",
    "#ffd166",
    "#a8e6a1",
    "#ffadad",
    "#d0b3ff",
    "#9be8d8",
    "#ffc6e5",
    "#d9dd8a",
    "#c2cfe0",
    "#f2b880",
)
"""Background of the labels, in their order; the text on them is black."""

TEMPLATE = (
    '<mark class="entity {kind}" style="background: {bg}">{text}<span class="name">{label}{kb_link}</span></mark>'
)


def label_colors(labels: Sequence[str]) -> dict[str, str]:
    """Return a color for each label."""
    return {label: MARK_COLORS[place % len(MARK_COLORS)] for place, label in enumerate(labels)}


def draw_text(
    text: str,
    tokens: Sequence[tuple[int, int]],
    spans: Mapping[LabelledSpan, str],
    *,
    colors: Mapping[str, str],
) -> str:
    """Return a text with its spans as HTML.

    :param tokens: Offsets of the tokens.
    :param spans: The spans, and the CSS class of each.
    :param colors: Color of each label.
    """
    options = {"colors": {escape(label): color for label, color in colors.items()}}
    ordered = sorted(spans)
    if any(one.end > other.start for one, other in pairwise(ordered)):
        return _draw({"text": text, **_on_lines(text, tokens, ordered)}, "span", options)
    entities = [{**_place(span), "label": escape(span.label), "params": {"kind": spans[span]}} for span in ordered]
    return _draw({"text": text, "ents": entities}, "ent", {**options, "template": TEMPLATE})


def _place(span: LabelledSpan) -> dict[str, int]:
    return {"start": span.start, "end": span.end}


def _on_lines(text: str, tokens: Sequence[tuple[int, int]], spans: Sequence[LabelledSpan]) -> dict[str, Any]:
    first = {start: number for number, (start, _) in enumerate(tokens)}
    last = {end: number for number, (_, end) in enumerate(tokens, start=1)}
    placed = [
        {"start_token": first[span.start], "end_token": last[span.end], "label": escape(span.label)} for span in spans
    ]
    return {"tokens": [text[start:end] for start, end in tokens], "spans": placed}


def _draw(parsed: dict[str, Any], style: str, options: dict[str, Any]) -> str:
    return displacy.render(parsed, style=style, manual=True, jupyter=False, options=options)
