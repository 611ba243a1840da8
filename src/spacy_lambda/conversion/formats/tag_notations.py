"""Tags in other notations, such as ``PER-B``, ``B_PER``, ``b-per`` or ``B`` without a type -> ``B-PER``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.tag_schemes import OUTSIDE, parse_tag

__all__ = ["Notation", "notation_of", "note_notation", "pair_of_one_label"]

ENTITY = "ENTITY"
"""The label of tags without a type, unless the user names one."""

ACTIONS = "BILUESMW"
PREFIX = re.compile(rf"(?P<action>[{ACTIONS}])(?P<mark>[_/:.])(?P<label>.+)", re.DOTALL)
SUFFIX = re.compile(rf"(?P<label>.+)(?P<mark>[-_/:.])(?P<action>[{ACTIONS}])", re.DOTALL)
LOWER = re.compile(rf"(?P<action>[{ACTIONS.lower()}])(?P<mark>-)(?P<label>.+)", re.DOTALL)


@dataclass(frozen=True)
class Notation:
    """A notation of tags.

    :param pattern: The pattern of a tag; ``None`` for letters without a type.
    :param outside: The tag of a token outside of entities.
    :param example: A tag of the file.
    """

    pattern: re.Pattern[str] | None
    outside: str
    example: str

    def standard(self, tag: str, label: str) -> str:
        """Return a tag as ``B-LABEL``.

        :param label: The label of tags without a type.
        """
        if tag == self.outside:
            return OUTSIDE
        found = None if self.pattern is None else self.pattern.fullmatch(tag)
        return f"{tag}-{label}" if found is None else f"{found['action'].upper()}-{found['label']}"


def notation_of(tags: Iterable[str]) -> Notation | None:
    """Return the notation that all tags have; ``None`` for ``B-LABEL``, for labels alone, and for what is not a tag."""
    values = sorted({*tags})
    inside = [tag for tag in values if tag != OUTSIDE]
    standard = [tag for one in inside if (tag := parse_tag(one)) is not None]
    if standard and (any(tag.action in "BIUS" for tag in standard) or not _fits(SUFFIX, inside)):
        return None
    if inside == ["I"] or ("B" in inside and all(len(tag) == 1 and tag in ACTIONS for tag in inside)):
        return Notation(None, OUTSIDE, inside[0])
    lower = [tag for tag in values if tag not in ("o", OUTSIDE)]
    if _fits(LOWER, lower):
        return Notation(LOWER, "o" if "o" in values else OUTSIDE, lower[0])
    return next((Notation(one, OUTSIDE, inside[0]) for one in (PREFIX, SUFFIX) if _fits(one, inside)), None)


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


def _fits(pattern: re.Pattern[str], tags: Sequence[str]) -> bool:
    """Return whether all tags have a pattern with one separator, and one of them begins a span."""
    found = [pattern.fullmatch(tag) for tag in tags]
    parts = [(one["action"].upper(), one["mark"]) for one in found if one is not None]
    return len(parts) == len(tags) and len({mark for _, mark in parts}) == 1 and any(one == "B" for one, _ in parts)


def pair_of_one_label(labels: Iterable[str]) -> tuple[str, str] | None:
    """Return two labels that differ only in B and I at their beginning or end, which tags of one label would do."""
    known = {*labels}
    for label in sorted(known):
        others = ("I" + label[1:] if label[:1] == "B" else "", label[:-1] + "I" if label[-1:] == "B" else "")
        if found := next((one for one in others if one and one in known), None):
            return label, found
    return None
