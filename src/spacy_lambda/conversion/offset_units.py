"""Offsets in UTF-16 units or bytes, or shifted by a byte order mark or the ends of lines -> characters.

Which of them a document has is recognized by comparing what its spans would cover with the annotated text that the
format holds; without such a text, by the bounds of words, and only where a character needs two UTF-16 units.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from unicodedata import category

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.policies import OffsetUnit
from spacy_lambda.errors import CorpusError

__all__ = ["CHARACTERS", "check_offsets", "describe_doubt", "in_characters", "in_word", "matches", "parsed_offset"]

CHARACTERS = "characters"
UNITS = (CHARACTERS, "utf16", "bytes")
NAMES = {"utf16": "UTF-16 units", "bytes": "bytes of UTF-8", CHARACTERS: "characters"}
MARK = "\ufeff"
"""A byte order mark, which a text may begin with; anywhere else it is a character."""
LINE_ENDS = ("", "counting \\r\\n as one", "counting \\n as two")

MAY_BE_UTF16 = "documents whose offsets may be UTF-16 units, taken as characters; name the unit with --offsets"
CUTS = "documents with spans that begin or end inside a grapheme, as if offsets counted graphemes; count characters"
"""Doubts about offsets."""

JOINER = "\u200d"
SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"

WIDENED = "widened to whole characters"
"""Adjustment of a span whose offsets are inside of characters."""

MAX_DIGITS = 10
"""Maximum digits of an offset, which suffice for the largest file."""


def parsed_offset(digits: str, place: str) -> int:
    """Return an offset that is written in digits.

    :raises CorpusError: If it has more digits than that of any text.
    """
    if len(digits.lstrip("0")) > MAX_DIGITS:
        raise _too_large(len(digits), place)
    return int(digits)


def check_offsets(document: AnnotatedDocument) -> None:
    """Refuse offsets that are larger than any text.

    :raises CorpusError: If a span has one.
    """
    for span in document.spans:
        for place in span.fragments:
            largest = max(map(abs, place))
            if largest >= 10**MAX_DIGITS:
                raise _too_large(len(str(largest)), document.place(span))


def _too_large(digits: int, place: str) -> CorpusError:
    return CorpusError(
        f"{place}: an offset has {digits:,} digits; the limit is {MAX_DIGITS}",
        remedy="correct the offset, or export the annotations again",
    )


@dataclass(frozen=True)
class _Counting:
    """A way to count: unit, ends of lines, and a byte order mark."""

    unit: str = CHARACTERS
    line_end: str = ""
    mark: bool = False

    def __str__(self) -> str:
        parts = [NAMES[self.unit], self.line_end, "counting the byte order mark" if self.mark else ""]
        return ", ".join(filter(None, parts))

    def weight(self, character: str) -> int:
        if character == "\r" and self.line_end == LINE_ENDS[1]:
            return 0
        size = {"utf16": 1 + (character > "\uffff"), "bytes": len(character.encode("utf-8", "surrogatepass"))}
        return size.get(self.unit, 1) + (character == "\n" and self.line_end == LINE_ENDS[2])


def in_characters(document: AnnotatedDocument, unit: OffsetUnit) -> tuple[AnnotatedDocument, str | None]:
    """Return a document with offsets of characters, and a description of the offsets that it had, if they differ.

    :param unit: The unit that the user names, or ``auto``.
    """
    has_text = any(span.text for span in document.spans)
    is_certain = document.unit is not None and not has_text
    first = _Counting(document.unit or CHARACTERS) if unit == "auto" else _Counting(unit)
    best, found = _recounted(document, first), first
    if (unit == "auto" and not is_certain) and (has_text or any(character > "\uffff" for character in document.text)):
        best, found = _best(document, best, first)
    return best, None if best == document else str(found)


def describe_doubt(document: AnnotatedDocument, unit: OffsetUnit) -> str | None:
    """Return the reason why offsets that were taken as characters may be others, as a noun phrase in the plural.

    :param unit: The unit that the user names, or ``auto``.
    """
    if unit != "auto" or document.unit is not None or any(span.text for span in document.spans):
        return None
    if any(character > "\uffff" for character in document.text):
        other, hits = _recounted(document, _Counting("utf16")), _hits(document)
        is_decided = hits > _hits(other) and 2 * hits > len(document.spans)
        if other.spans != document.spans and not is_decided:
            return MAY_BE_UTF16
    places = (place for span in document.spans for fragment in span.fragments for place in fragment)
    return CUTS if any(_in_grapheme(document.text, place) for place in places) else None


def _in_grapheme(text: str, position: int) -> bool:
    """Return whether a position is before an accent or a modifier, or beside a joiner of emoji."""
    if not 0 < position < len(text):
        return False
    character = text[position]
    return JOINER in text[position - 1 : position + 1] or character in SKIN_TONES or category(character) in ("Mn", "Me")


def _best(
    document: AnnotatedDocument, best: AnnotatedDocument, found: _Counting
) -> tuple[AnnotatedDocument, _Counting]:
    """Return the document with offsets counted in the way that fits best; if several fit equally, in the first."""
    hits = _hits(best)
    has_text = any(span.text for span in document.spans)
    for counting in _countings(document.text) if has_text else (_Counting("utf16"),):
        if hits == len(document.spans):
            break
        candidate = _recounted(document, counting)
        if (more := _hits(candidate)) > hits:
            best, hits, found = candidate, more, counting
    return best, found


def matches(document: AnnotatedDocument, span: AnnotatedSpan) -> bool:
    """Return whether a span covers its annotated text, spaces and a byte order mark apart; true without such a text."""
    return not span.text or _bare(document.annotated_text(span)) == _bare(span.text)


def _bare(text: str) -> str:
    return "".join(text.split()).removeprefix(MARK)


def _hits(document: AnnotatedDocument) -> int:
    """Return the number of spans that cover their text, or words as a whole."""
    return sum(_is_hit(document, span) for span in document.spans)


def _is_hit(document: AnnotatedDocument, span: AnnotatedSpan) -> bool:
    if span.adjustments:
        return False
    if span.text:
        return matches(document, span)
    text, start, end = document.text, span.start, span.end
    if not 0 <= start < end <= len(text) or text[start].isspace() or text[end - 1].isspace():
        return False
    return not (in_word(text, start) or in_word(text, end))


def in_word(text: str, position: int) -> bool:
    """Return whether a position is inside a word."""
    return 0 < position < len(text) and text[position - 1 : position + 1].isalnum()


def _countings(text: str) -> Iterator[_Counting]:
    has_text = any(not character.isascii() for character in text)
    line_ends = ["", LINE_ENDS[1] if "\r\n" in text else LINE_ENDS[2]] if "\n" in text else [""]
    units = UNITS if has_text else UNITS[:1]
    found = (_Counting(unit, end, mark) for mark, end, unit in product((False, True), line_ends, units))
    yield from found


def _recounted(document: AnnotatedDocument, counting: _Counting) -> AnnotatedDocument:
    """Return the document with its offsets taken as counted in this way; those after the text stay.

    A span that begins or ends inside a character gets the whole of it, and one that begins at the mark the first.
    """
    if counting == _Counting():
        return document
    starts: dict[int, int] = {0: 0}
    ends: dict[int, int] = {}
    position = counting.mark * (3 if counting.unit == "bytes" else 1)
    for index, character in enumerate(document.text):
        starts[position] = index
        ends.setdefault(position, index)
        position += 0 if index == 0 and character == MARK else counting.weight(character)
    starts[position] = len(document.text)
    ends.setdefault(position, len(document.text))
    spans = []
    for span in document.spans:
        if any(not 0 <= one <= position for place in span.fragments for one in place):
            spans.append(span)
            continue
        fragments = tuple((_at(starts, start, -1), _at(ends, end, 1)) for start, end in span.fragments)
        is_whole = all(start in starts and end in ends for start, end in span.fragments)
        moved = replace(span, fragments=fragments)
        detail = f"to {document.annotated_text(moved)[:80]!r}"
        spans.append(moved if is_whole else document.adjusted(moved, WIDENED, detail, fragments=fragments))
    return replace(document, spans=tuple(spans))


def _at(places: dict[int, int], position: int, step: int) -> int:
    """Return the character at a position, or at the next one that is not inside a character."""
    while position not in places:
        position += step
    return places[position]
