"""The list of spans in an object of JSON, of the several keys under which tools have one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from spacy_lambda.conversion.annotated_document import AnnotatedSpan
from spacy_lambda.conversion.formats.json_items import JsonItem
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_values import (
    GROUP_KEYS,
    ID_KEYS,
    SPAN_KEYS,
    TEXT_KEYS,
    is_span,
    span_of,
)

__all__ = ["note_unread", "note_values", "spans_under", "unread_values"]

READ_KEYS = frozenset({*SPAN_KEYS, *TEXT_KEYS, *ID_KEYS, *GROUP_KEYS, "meta", "metadata"})
"""Keys of documents that are read, or that have nothing to convert."""


def spans_under(keys: Sequence[str], item: JsonItem, reading: ReadingContext) -> list[Any] | None:
    """Return the spans of an object: those under the key that the user names, or under the one that has spans.

    Values under the other keys are counted.

    :return: ``None`` if it has none of the keys.
    :raises CorpusError: If several keys have different spans.
    """
    values = item.object()
    lists = {key: values[key] for key in keys if isinstance(values.get(key), list)}
    filled = [key for key, found in lists.items() if any(map(is_span, found))]
    reading.places.update(dict.fromkeys(lists))
    chosen = reading.options.spans_from or next(iter([*filled, *lists]), None)
    if reading.options.spans_from is None:
        _check_same(filled, lists, item)
    elif isinstance(found := values.get(reading.options.spans_from), list):
        reading.places[reading.options.spans_from] = None
        lists[reading.options.spans_from] = found
    for key, found in lists.items():
        if key != chosen and found and not (key in filled and reading.options.spans_from is None):
            note_values(key, found, item, reading)
    return None if chosen is None else lists.get(chosen)


def _check_same(filled: Sequence[str], lists: Mapping[str, list[Any]], item: JsonItem) -> None:
    found = [_bounds(lists[key], item) for key in filled]
    if any(one != found[0] for one in found):
        names = " and ".join(map(repr, filled))
        raise item.error(f"there are different spans under {names}", f"choose one with --spans-from {filled[0]}")


def _bounds(found: Sequence[Any], item: JsonItem) -> set[AnnotatedSpan]:
    return {span_of(one, item) for one in found if is_span(one)}


def unread_values(values: Mapping[str, Any], others: Collection[str], reading: ReadingContext) -> dict[str, Any]:
    """Return the values of a document that may be annotations, under keys that are not read.

    :param others: Keys that the format reads or counts besides the usual ones.
    """
    known = {*READ_KEYS, *others, reading.options.spans_from}
    return {key: value for key, value in values.items() if key not in known and _may_be_annotations(value)}


def _may_be_annotations(value: Any) -> bool:
    """Return whether a value is a list of objects or of lists, or has one."""
    if isinstance(value, dict):
        return any(map(_may_be_annotations, value.values()))
    return isinstance(value, list) and any(isinstance(one, dict | list) for one in value)


def note_unread(item: JsonItem, others: Collection[str], reading: ReadingContext) -> None:
    """Count the values of a document that may be annotations, under keys that are not read."""
    for key, value in unread_values(item.object(), others, reading).items():
        note_values(key, value, item, reading)


def note_values(key: str, found: Any, item: JsonItem, reading: ReadingContext) -> None:
    """Count the values under a key that is not converted."""
    number = len(found) if isinstance(found, list | dict) else 1
    reading.account.note(f"values under {key!r}, not converted", f"{item.file.name}:{item.line}", number=number)
