"""Values of JSON -> spans and documents, by the names that tools give to the keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.json_items import JsonItem
from spacy_lambda.conversion.policies import OffsetUnit

__all__ = ["SPAN_KEYS", "document_of", "groups_of", "span_of", "write_json_lines"]

SPAN_KEYS = ("spans", "entities", "ents", "annotations", "annotation", "labels", "label")
TEXT_KEYS = ("text", "document", "data", "content", "sentence")
ID_KEYS = ("id", "_id", "doc_id", "document_id", "documentName", "name")
GROUP_KEYS = ("group", "doc_id", "document_id", "article_id", "pmid", "source_id")
START_KEYS = ("start", "start_offset", "start_char", "begin", "startOffset", "from")
END_KEYS = ("end", "end_offset", "end_char", "endOffset", "stop", "to")
LABEL_KEYS = ("label", "label_", "type", "entity", "entity_group", "tag", "entityLabel", "category")
COVERED_KEYS = ("text", "value", "surface", "mention", "span", "word")


def span_of(value: Any, item: JsonItem) -> AnnotatedSpan:
    """Return a span from ``[start, end, label]`` or an object.

    :raises CorpusError: If it is neither.
    """
    if isinstance(value, list) and len(value) >= 3 and _is_offset(value[0]) and _is_offset(value[1]):
        return AnnotatedSpan(((value[0], value[1]),), _label(value[2]), item.line)
    if isinstance(value, Mapping):
        start, end = (_first(value, keys) for keys in (START_KEYS, END_KEYS))
        if _is_offset(start) and _is_offset(end):
            covered = _first(value, COVERED_KEYS)
            text = covered if isinstance(covered, str) else None
            return AnnotatedSpan(((start, end),), _label(_first(value, LABEL_KEYS)), item.line, text)
    raise item.error(
        f"{value!r:.100} is not a span", 'write {"start": 0, "end": 4, "label": "LABEL"} or [0, 4, "LABEL"]'
    )


def document_of(
    values: Mapping[str, Any],
    spans: tuple[AnnotatedSpan, ...],
    item: JsonItem,
    *,
    unit: OffsetUnit | None = None,
    left_out: str | None = None,
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
        str(identifier) if isinstance(identifier, str | int) else f"{item.file.stem}-{item.number}",
        text,
        spans,
        item.file.name,
        item.line,
        group,
        other_groups=other_groups,
        unit=unit,
        left_out=left_out,
    )


def write_json_lines(
    documents: Iterable[AnnotatedDocument], path: Path, values: Callable[[AnnotatedDocument], Mapping[str, Any]]
) -> None:
    """Write an object for each document.

    :param values: Returns a document's object.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for document in documents:
            file.write(json.dumps(values(document), ensure_ascii=False) + "\n")


def groups_of(*places: Any) -> tuple[str | None, tuple[str, ...]]:
    """Return the group of a document's objects, and those that other keys name: a part and its whole, for example."""
    found = {
        f"{key} {values[key]}": str(values[key])
        for values in places
        if isinstance(values, Mapping)
        for key in GROUP_KEYS
        if isinstance(values.get(key), str | int) and values[key] != ""
    }
    return next(iter(found.values()), None), tuple(found)


def _first(values: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((values[key] for key in keys if values.get(key) is not None), None)


def _label(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _is_offset(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
