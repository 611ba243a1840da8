"""Tags of a file, in a notation of their own or as labels alone -> ``B-LABEL``; what is neither is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.table_rows import is_null
from spacy_lambda.conversion.formats.tag_notations import notation_of, note_notation, pair_of_one_label, unclear_tag
from spacy_lambda.conversion.tag_schemes import OUTSIDE, parse_tag
from spacy_lambda.errors import CorpusError

__all__ = ["MAX_LABELS", "check_clear", "check_labels", "first_places", "standard_tags", "with_prefix"]

MAX_LABELS = 200
"""Maximum labels of a file of tags without prefixes."""

SEVERAL = re.compile(r"[|/,;&+]\s*(?:[BILUESMW]-|O\Z)")
"""A part of a cell that has several tags, for nested spans."""

SHOWN = 80
"""Characters of a tag that an error shows."""


def first_places(tags: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return each tag with its first place."""
    places: dict[str, str] = {}
    for tag, place in tags:
        places.setdefault(tag, place)
    return places


def standard_tags(places: Mapping[str, str], reading: ReadingContext, *, names: Iterable[str] = ()) -> dict[str, str]:
    """Return the standard form of each tag of a file, and count a notation of its own.

    :param places: The tags with their first places.
    :param names: Names of tags that the file may have, too.
    :raises CorpusError: If they are not tags.
    """
    known = [*names]
    notation = notation_of([*known, *places])
    if notation is not None and places:
        label = note_notation(notation, next(iter(places.values())), reading)
        return {tag: notation.standard(tag, label) for tag in places}
    check_clear(places)
    if all(parse_tag(tag) is not None for tag in places):
        return {tag: tag for tag in places}
    check_labels({**places, **{name: "" for name in known if name not in places and parse_tag(name) is not None}})
    return {tag: with_prefix(tag) for tag in places}


def with_prefix(label: str) -> str:
    """Return the tag of a label alone."""
    return label if label == OUTSIDE else f"I-{label}"


def check_clear(places: Mapping[str, str]) -> None:
    """Refuse tags that can be read in two ways, and those that are several.

    :raises CorpusError: If there are some, with the place of one.
    """
    if (tag := unclear_tag(places)) is not None:
        raise CorpusError(
            f"{places[tag]}: {tag[:SHOWN]!r} may be a tag or a label, as no tag begins an entity of several tokens",
            remedy=f"write it as B-LABEL; if it is a label, as I-{tag[:SHOWN]}",
        )
    if (tag := next(filter(SEVERAL.search, places), None)) is not None:
        raise CorpusError(
            f"{places[tag]}: {tag[:SHOWN]!r} has several tags",
            remedy="write one tag for each token; nested spans need another format, such as jsonl",
        )


def check_labels(places: Mapping[str, str]) -> None:
    """Refuse tags unless they are labels without prefixes.

    :raises CorpusError: If some have a prefix, none is outside, or two of them are rather tags of one label.
    """
    labels = [tag for tag in places if tag != OUTSIDE]
    unnamed = [tag for tag in labels if is_null(tag) or not any(map(str.isalnum, tag))]
    has_prefix = any(parse_tag(tag) is not None for tag in labels)
    if unnamed or has_prefix or OUTSIDE not in places or len(places) > MAX_LABELS:
        tag = next((tag for tag in [*unnamed, *labels] if parse_tag(tag) is None), labels[0])
        raise CorpusError(
            f"{places[tag]}: {tag[:SHOWN]!r} is not a tag, such as O, B-LABEL or I-LABEL",
            remedy="correct the line; tags of one file have one scheme, BIO or BILUO",
        )
    if (pair := pair_of_one_label(labels)) is not None:
        place = next(places[tag] for tag in places if tag in pair)
        raise CorpusError(
            f"{place}: the labels {pair[0][:SHOWN]!r} and {pair[1][:SHOWN]!r} differ only in B and I",
            remedy="write the tags as B-LABEL and I-LABEL, or rename one of the labels",
        )
