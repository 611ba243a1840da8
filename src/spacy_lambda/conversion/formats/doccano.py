"""Doccano's JSONL: ``label`` with ``[start, end, label]``, or ``entities`` with ``start_offset`` and ``end_offset``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_lambda.conversion.annotated_document import AnnotatedDocument
from spacy_lambda.conversion.formats.json_items import JsonItem, first_item, json_files, json_items
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_values import document_of, span_of, write_json_lines
from spacy_lambda.conversion.source_files import SourceFile

__all__ = ["find", "read", "write"]

LABELS = ("label", "labels")
OTHERS = {"relations": "relations", "Comments": "comments", "comments": "comments", "cats": "categories"}


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    return [one for one in json_files(files) if _is_known(first_item(one))]


def _is_known(item: Any) -> bool:
    """Return whether an object has the keys of one of the generations."""
    if not isinstance(item, dict) or not isinstance(item.get("text", item.get("data")), str):
        return False
    entities, annotations = item.get("entities"), item.get("annotations")
    if isinstance(entities, list) and (any(map(_has_offsets, entities)) or (not entities and "relations" in item)):
        return True
    if isinstance(annotations, list) and any(_has_offsets(one) for one in annotations):
        return True
    return any(isinstance(item.get(key), list) for key in LABELS) and not isinstance(item.get("spans"), list)


def _has_offsets(value: Any) -> bool:
    return isinstance(value, dict) and "start_offset" in value


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    for file in files:
        for item in json_items(file, reading):
            yield _document(item, reading)


def _document(item: JsonItem, reading: ReadingContext) -> AnnotatedDocument:
    values = item.object()
    keys = ("entities", "annotations", *LABELS)
    found: list[Any] = next((values[key] for key in keys if isinstance(values.get(key), list)), [])
    categories = [one for one in found if isinstance(one, str)]
    place = f"{item.file.name}:{item.line}"
    if categories:
        reading.account.note("categories of Doccano, not converted", place, number=len(categories))
    for key, what in OTHERS.items():
        if values.get(key):
            reading.account.note(f"{what} of Doccano, not converted", place, number=len(values[key]))
    spans = tuple(span_of(one, item) for one in found if not isinstance(one, str))
    return document_of(values, spans, item)


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    write_json_lines(documents, path, _values)


def _values(document: AnnotatedDocument) -> Mapping[str, Any]:
    labels = [[span.start, span.end, span.label] for span in document.spans]
    return {"id": document.id, "text": document.text, "label": labels}
