"""Tags of tokens (BIO, IOB, BILUO, BIOES, BMEWO) -> spans of tokens, with malformed sequences repaired or refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from spacy_lambda.errors import CorpusError

__all__ = ["OUTSIDE", "Tag", "TaggedSpan", "biluo_tags", "bio_tags", "check_scheme", "parse_tag", "spans_of"]

OUTSIDE = "O"
TAG = re.compile(r"([BILUOESMW])-(.+)", re.DOTALL)
LAST, UNIT, INSIDE = "LE", "USW", "IM"
SCHEMES = (("BILUO", "LU"), ("BIOES", "ES"), ("BMEWO", "MW"))
"""Schemes with the letters by which they are recognized; BMEWO has E, too."""

OnMalformed = Callable[[int, str], None]
"""Called with a token's index and the problem; may raise."""


@dataclass(frozen=True)
class Tag:
    """A token's tag.

    :param action: ``B``, ``I``, ``L``, ``U`` or ``O``, or the letter of another scheme.
    :param label: The label; empty for a token that is outside.
    """

    action: str
    label: str = ""


@dataclass(frozen=True)
class TaggedSpan:
    """A span of tokens: the first, the one after the last, and the label."""

    start: int
    end: int
    label: str


def parse_tag(text: str) -> Tag | None:
    """Return a tag, or ``None`` if it is not one."""
    if text == OUTSIDE:
        return Tag(OUTSIDE)
    found = TAG.fullmatch(text)
    return None if found is None or found[1] == OUTSIDE else Tag(found[1], found[2])


def check_scheme(actions: Iterable[tuple[str, str]]) -> str:
    """Return the name of the scheme of a source.

    :param actions: The letter of each tag, with its place.
    :raises CorpusError: If it has tags of two schemes.
    """
    places: dict[str, str] = {}
    for action, place in actions:
        places.setdefault(action, place)
    order = list(places)
    found = [(name, next(letter for letter in order if letter in letters)) for name, letters in _marks(places)]
    if len(found) > 1:
        (name, letter), (other, second) = sorted(found, key=lambda one: order.index(one[1]))[:2]
        raise CorpusError(
            f"{places[second]}: {second}- is {other}'s, but {places[letter]} has a tag of {name}'s, with {letter}-",
            remedy="export the file in one scheme, or convert each part by itself",
        )
    return found[0][0] if found else "BIO"


def _marks(places: dict[str, str]) -> list[tuple[str, str]]:
    schemes = [(name, letters) for name, letters in SCHEMES if any(letter in places for letter in letters)]
    # E is BMEWO's as well as BIOES's.
    if len(schemes) > 1 and {name for name, _ in schemes} == {"BIOES", "BMEWO"} and "S" not in places:
        return [one for one in schemes if one[0] == "BMEWO"]
    return schemes


def spans_of(tags: Sequence[Tag], scheme: str, on_malformed: OnMalformed) -> list[TaggedSpan]:
    """Return the spans of a sentence. A malformed sequence is repaired: a span begins where its label does.

    :param scheme: The name that :func:`check_scheme` returned; ``IOB`` if spans may begin with ``I-``.
    """
    spans: list[TaggedSpan] = []
    start: int | None = None
    has_ends = scheme not in ("BIO", "IOB")
    for index, tag in enumerate([*tags, Tag(OUTSIDE)]):
        before = "" if start is None else tags[start].label
        continues = start is not None and tag.action in INSIDE + LAST and tag.label == before
        if start is not None and not continues:
            if has_ends:
                on_malformed(index - 1, f"the span of {before!r} has no end")
            spans.append(TaggedSpan(start, index, before))
            start = None
        if tag.action == OUTSIDE:
            continue
        if not continues:
            if tag.action in INSIDE + LAST and scheme != "IOB":
                on_malformed(index, f"{tag.action}-{tag.label} continues no span of {tag.label!r}")
            start = index
        if tag.action in LAST + UNIT:
            assert start is not None
            spans.append(TaggedSpan(start, index + 1, tag.label))
            start = None
    return spans


def bio_tags(length: int, spans: Iterable[TaggedSpan]) -> list[str]:
    """Return the BIO tags of tokens."""
    tags = [OUTSIDE] * length
    for span in spans:
        tags[span.start : span.end] = [f"I-{span.label}"] * (span.end - span.start)
        tags[span.start] = f"B-{span.label}"
    return tags


def biluo_tags(length: int, spans: Collection[TaggedSpan]) -> list[str]:
    """Return the BILUO tags of tokens."""
    tags = bio_tags(length, spans)
    for span in spans:
        tags[span.end - 1] = f"L-{span.label}" if span.end - span.start > 1 else f"U-{span.label}"
    return tags
