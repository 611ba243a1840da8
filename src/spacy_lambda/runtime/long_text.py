"""A text over the limit -> segments, cut where sentences or words end; and their predictions -> one for the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Segment", "merge_predictions", "split_text"]

SENTENCE_END = re.compile(r"[.!?。！？…]['\"”’)\]]*\s+|\n{2,}\s*")
WORD_END = re.compile(r"\s+")


@dataclass(frozen=True)
class Segment:
    """A part of a text.

    :param text: The part.
    :param start: Its first character, in the whole text.
    """

    text: str
    start: int


def split_text(text: str, limit: int) -> list[Segment]:
    """Cut a text into segments of at most ``limit`` characters: after a sentence, else after a word, else at the limit.

    For a sentence's end, at most half a segment is given up.

    Joined, the segments are the text. A text within the limit is one segment, the empty text too.
    """
    segments, start = [], 0
    while len(text) - start > limit:
        end = _cut(text, start, start + limit)
        segments.append(Segment(text[start:end], start))
        start = end
    return [*segments, Segment(text[start:], start)]


def merge_predictions(segments: Sequence[Segment], predictions: Sequence[Any]) -> Any:
    """Merge the predictions of segments into one, with offsets into the whole text.

    Lists are joined. Scores of categories, which apply to a whole text, are means weighted by length.

    :param predictions: The prediction of each segment.
    """
    if len(segments) == 1:
        return predictions[0]
    if isinstance(predictions[0], list):
        return [
            item
            for segment, prediction in zip(segments, predictions, strict=True)
            for item in _moved(prediction, segment.start, 0)
        ]
    return {
        part: _merge_part(part, segments, [prediction[part] for prediction in predictions]) for part in predictions[0]
    }


def _cut(text: str, start: int, end: int) -> int:
    for pattern, earliest in ((SENTENCE_END, (start + end) // 2), (WORD_END, start + 1)):
        ends = [match.end() for match in pattern.finditer(text, earliest, end)]
        if ends:
            return ends[-1]
    return end


def _merge_part(part: str, segments: Sequence[Segment], found: Sequence[Any]) -> Any:
    if part == "cats":
        total = sum(len(segment.text) for segment in segments)
        weights = [len(segment.text) / total for segment in segments]
        return {label: sum(w * cats[label] for w, cats in zip(weights, found, strict=True)) for label in found[0]}
    if part == "spans":
        keys = dict.fromkeys(key for groups in found for key in groups)
        return {key: _join(segments, [groups.get(key, []) for groups in found]) for key in keys}
    return _join(segments, found)


def _join(segments: Sequence[Segment], found: Sequence[list[Any]]) -> list[Any]:
    joined: list[Any] = []
    for segment, items in zip(segments, found, strict=True):
        joined.extend(_moved(items, segment.start, len(joined)))
    return joined


def _moved(items: Sequence[dict[str, Any]], start: int, tokens: int) -> Iterator[dict[str, Any]]:
    """Return the items of a segment with their offsets in the text; a token's head is the number of another token."""
    for item in items:
        moved = {**item, "start": item["start"] + start, "end": item["end"] + start}
        yield {**moved, "head": item["head"] + tokens} if "head" in item else moved
