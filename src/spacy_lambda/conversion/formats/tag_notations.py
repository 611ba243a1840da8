"""Tags in other notations, such as ``PER-B``, ``B_PER``, ``b-per`` or ``B`` without a type -> ``B-PER``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.tag_schemes import OUTSIDE, parse_tag

__all__ = ["Notation", "is_like_tag", "notation_of", "note_notation", "pair_of_one_label", "unclear_tag"]

ENTITY = "ENTITY"
"""The label of tags without a type, unless the user names one."""

UPPER, LOWER = "BILUESMW", "biluesmw"
LETTERS = ((UPPER, frozenset({OUTSIDE})), (LOWER, frozenset({OUTSIDE, OUTSIDE.lower()})))
"""Letters of tags, in one case for all of a file, with the tags of tokens outside of entities beside them."""

CONTINUE = "ILEM"
"""Letters of tags that continue a span."""

ALONE = "ISUW"
"""Letters that files may have without B: of IOB, and of entities of one token."""


def _patterns(letters: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of tags with the letter before the label, and after it."""
    before = re.compile(rf"(?P<action>[{letters}])(?P<mark>[-_/:.]+)(?P<label>.+)", re.DOTALL)
    after = re.compile(rf"(?P<label>.+?)(?P<mark>[-_/:.]+)(?P<action>[{letters}])", re.DOTALL)
    return before, after


PATTERNS = {letters: _patterns(letters) for letters, _ in LETTERS}


@dataclass(frozen=True)
class Notation:
    """A notation of tags.

    :param pattern: The pattern of a tag; ``None`` for letters without a type.
    :param outside: The tags of tokens outside of entities.
    :param example: A tag of the file.
    """

    pattern: re.Pattern[str] | None
    outside: frozenset[str]
    example: str

    def standard(self, tag: str, label: str) -> str:
        """Return a tag as ``B-LABEL``.

        :param label: The label of tags without a type.
        """
        if tag in self.outside:
            return OUTSIDE
        found = None if self.pattern is None else self.pattern.fullmatch(tag)
        return f"{tag.upper()}-{label}" if found is None else f"{found['action'].upper()}-{found['label']}"


def notation_of(tags: Iterable[str]) -> Notation | None:
    """Return the notation that all tags have; ``None`` for ``B-LABEL``, for labels alone, and for what is not a tag.

    Of several that fit, it is the first by which a file has both tags that begin spans and tags that continue them.
    """
    values = {*tags}
    weak: list[Notation | None] = []
    inside = sorted(values - {OUTSIDE})
    standard = [tag for one in inside if (tag := parse_tag(one)) is not None]
    others = [one for one in inside if parse_tag(one) is None]
    if standard and (others not in ([], [OUTSIDE.lower()]) or _has_both(tag.action for tag in standard)):
        return None
    if standard and not others:
        weak.append(None)
    for letters, outside in LETTERS:
        inside = sorted(values - outside)
        if _are_letters(inside, letters):
            return Notation(None, outside, inside[0])
        for pattern, begins in zip(PATTERNS[letters], ("BI", "B"), strict=True):
            if _fits(pattern, inside, begins):
                found = Notation(pattern, outside, inside[0])
                if _has_both(match["action"].upper() for match in map(pattern.fullmatch, inside) if match is not None):
                    return found
                weak.append(found)
    return next(iter(weak), None)


def _has_both(actions: Iterable[str]) -> bool:
    """Return whether tags begin spans, and others continue them."""
    letters = {*actions}
    return "B" in letters and bool(letters & {*CONTINUE})


def is_like_tag(text: str) -> bool:
    """Return whether a text would be a tag in one of the notations, rather than the name of a column."""
    patterns = (one for found in PATTERNS.values() for one in found)
    is_letter = len(text) == 1 and text in UPPER + LOWER + OUTSIDE.lower()
    return is_letter or parse_tag(text) is not None or any(one.fullmatch(text) for one in patterns)


def note_notation(notation: Notation, place: str, reading: ReadingContext) -> str:
    """Count a file of a notation, and return the label of tags without a type."""
    label = reading.options.label or ENTITY
    detail = f"{notation.example} is read as {notation.standard(notation.example, label)}"
    if notation.pattern is not None:
        reading.account.note("files with tags in another notation than B-LABEL", place, detail=detail)
        return label
    reading.untyped.append(place)
    if reading.options.label is None:
        message = "files whose tags have no type"
        reading.account.note(message, place, detail=f"{detail}; --label names another")
    return label


def unclear_tag(tags: Iterable[str]) -> str | None:
    """Return a tag that is as well a label, or has two labels: ``U_BOAT`` without any B, or ``S-B`` beside ``S-I``.

    :param tags: Tags of which :func:`notation_of` knows no notation.
    """
    inside = sorted({*tags} - {OUTSIDE})
    standard = [tag for one in inside if (tag := parse_tag(one)) is not None]
    if standard:
        labels, actions = {tag.label for tag in standard}, {tag.action for tag in standard}
        has_two = len(standard) == len(inside) and "B" in labels and labels <= {*UPPER} and actions <= {*ALONE}
        return inside[0] if has_two else None
    may_be_tags = {*"".join(inside)} <= {*ALONE, *ALONE.lower()} and max(map(len, inside), default=0) == 1
    may_be_tags = may_be_tags or any(_fits(one, inside, ALONE) for patterns in PATTERNS.values() for one in patterns)
    return inside[0] if may_be_tags else None


def _are_letters(inside: Sequence[str], letters: str) -> bool:
    """Return whether tags are letters without a type, of which one begins a span."""
    return inside == [letters[1]] or (letters[0] in inside and all(len(tag) == 1 and tag in letters for tag in inside))


def _fits(pattern: re.Pattern[str], tags: Sequence[str], begins: str) -> bool:
    """Return whether all tags have a pattern with one separator, and one of them a letter that begins spans."""
    found = [pattern.fullmatch(tag) for tag in tags]
    parts = [(one["action"].upper(), one["mark"]) for one in found if one is not None]
    return len(parts) == len(tags) and len({mark for _, mark in parts}) == 1 and any(one in begins for one, _ in parts)


def pair_of_one_label(labels: Iterable[str]) -> tuple[str, str] | None:
    """Return two labels that differ only in B and I, as tags of one label would do."""
    known = {*labels}
    for label in sorted(known):
        if found := next((one for one in _with_i(label) if one in known), None):
            return label, found
    return None


def _with_i(label: str) -> Iterator[str]:
    """Yield a label with I in place of a B at one of its ends, or of one without letters and digits around it."""
    for index, letter in enumerate(label):
        around = [one for one in (label[:index][-1:], label[index + 1 :][:1]) if one]
        is_alone = not any(map(str.isalnum, around))
        if letter in "Bb" and (is_alone or (letter == "B" and len(around) < 2)):
            yield label[:index] + ("I" if letter == "B" else "i") + label[index + 1 :]
