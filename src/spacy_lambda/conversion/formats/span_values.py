"""Values of JSON -> spans and documents, by the names that tools give to the keys."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.json_items import JsonItem
from spacy_lambda.conversion.policies import OffsetUnit

__all__ = [
    "GROUP_KEYS",
    "ID_KEYS",
    "KNOWN_KEYS",
    "SPAN_KEYS",
    "TEXT_KEYS",
    "document_of",
    "group_value",
    "groups_of",
    "identifiers_of",
    "is_span",
    "plain_text",
    "span_of",
    "write_json_lines",
]

SPAN_KEYS = ("spans", "entities", "ents", "annotations", "annotation", "labels", "label")
TEXT_KEYS = ("text", "document", "data", "content", "sentence")
ID_KEYS = ("id", "_id", "doc_id", "document_id", "documentName", "name")
GROUP_KEYS = ("group", "doc_id", "document_id", "article_id", "pmid", "source_id")
START_KEYS = ("start_char", "start_offset", "startOffset", "start", "begin", "from")
END_KEYS = ("end_char", "end_offset", "endOffset", "end", "stop", "to")
"""Keys of offsets; those that name characters come first, as ``start`` beside them may be a token's index."""

LABEL_KEYS = ("label", "label_", "type", "entity", "entity_group", "tag", "entityLabel", "category")
IDENTIFIERS = ("kb_id", "span_id")
COVERED_KEYS = ("text", "value", "surface", "mention", "span", "word")
KNOWN_KEYS = frozenset(
    {*START_KEYS, *END_KEYS, *LABEL_KEYS, *COVERED_KEYS, *IDENTIFIERS, "id", "token_start", "token_end"}
)
"""Keys of spans that are read, or have the same values in another form."""


def span_of(value: Any, item: JsonItem) -> AnnotatedSpan:
    """Return a span from ``[start, end, label]`` or an object.

    :raises CorpusError: If it is neither.
    """
    if isinstance(value, list) and is_span(value):
        return AnnotatedSpan(((int(value[0]), int(value[1])),), _label(value[2], item), item.line)
    if isinstance(value, Mapping) and is_span(value):
        start, end = (_first(value, keys) for keys in (START_KEYS, END_KEYS))
        covered = _first(value, COVERED_KEYS)
        text = covered if isinstance(covered, str) else None
        label = _label(_first(value, LABEL_KEYS), item)
        kb_id, identifier = (plain_text(value.get(key)) or "" for key in IDENTIFIERS)
        return AnnotatedSpan(((int(start), int(end)),), label, item.line, text, kb_id, identifier)
    raise item.error(
        f"{value!r:.100} is not a span", 'write {"start": 0, "end": 4, "label": "LABEL"} or [0, 4, "LABEL"]'
    )


def is_span(value: Any) -> bool:
    """Return whether a value is a list or an object that has the offsets of a span."""
    if isinstance(value, list):
        return len(value) >= 3 and _is_offset(value[0]) and _is_offset(value[1])
    return isinstance(value, Mapping) and all(_is_offset(_first(value, keys)) for keys in (START_KEYS, END_KEYS))


def document_of(
    values: Mapping[str, Any],
    spans: tuple[AnnotatedSpan, ...],
    item: JsonItem,
    *,
    unit: OffsetUnit | None = None,
    left_out: str | None = None,
    cats: Mapping[str, float] | None = None,
) -> AnnotatedDocument:
    """Return the document of an object.

    :raises CorpusError: If it has no text.
    """
    text = _first(values, TEXT_KEYS)
    if not isinstance(text, str):
        raise item.error(f"the text is missing; keys: {', '.join(map(repr, values))[:200]}", 'name it "text"')
    identifier = _first(values, ID_KEYS)
    meta = values.get("meta")
    group, other_groups = groups_of(values, meta)
    return AnnotatedDocument(
        plain_text(identifier) or f"{item.file.stem}-{item.number}",
        text,
        spans,
        item.file.name,
        item.line,
        group,
        other_groups=other_groups,
        unit=unit,
        left_out=left_out,
        cats=cats or {},
    )


def identifiers_of(span: AnnotatedSpan) -> dict[str, str]:
    """Return the identifiers that a span has, by the keys under which they are read."""
    return {key: value for key, value in zip(IDENTIFIERS, (span.kb_id, span.id), strict=True) if value}


def write_json_lines(
    documents: Iterable[AnnotatedDocument], path: Path, values: Callable[[AnnotatedDocument], Mapping[str, Any]]
) -> None:
    """Write an object for each document.

    :param values: Returns a document's object.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for document in documents:
            file.write(json.dumps(values(document), ensure_ascii=False) + "\n")


def group_value(document: AnnotatedDocument) -> dict[str, str]:
    """Return the group of a document by the key under which it is read; nothing if it has none."""
    return {} if document.group is None else {"group": document.group}


def groups_of(*places: Any) -> tuple[str | None, tuple[str, ...]]:
    """Return the group of a document's objects, and those that other keys name: a part and its whole, for example."""
    found = {
        f"{key} {group}": group
        for values in places
        if isinstance(values, Mapping)
        for key in GROUP_KEYS
        if (group := plain_text(values.get(key)))
    }
    return next(iter(found.values()), None), tuple(found)


def _first(values: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    """Return the first value that is not empty, else an empty one."""
    found = [values[key] for key in keys if values.get(key) is not None]
    return next((one for one in found if one != ""), found[0] if found else None)


def plain_text(value: Any) -> str | None:
    """Return a string or a number as text; ``None`` for anything else, such as a table's nulls, of which NaN is one.

    pandas writes 3.0 for 3 where a column has a null.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return str(int(value)) if value == int(value) else str(value)


def _label(value: Any, item: JsonItem) -> str:
    """Return a label; an empty one for a null.

    :raises CorpusError: If it is a list, an object or a truth value.
    """
    label = plain_text(value)
    if label is None and not (value is None or isinstance(value, float)):
        raise item.error(f"the label {value!r:.100} is not a string", "write a span for each label")
    return label or ""


def _is_offset(value: Any) -> bool:
    return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
