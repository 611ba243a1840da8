"""UBIAI's JSON: documents with spans under ``annotation``, or with annotated tokens under ``tokens``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.json_items import JsonItem, first_item, json_files, json_items
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_lists import note_values, spans_under
from spacy_lambda.conversion.formats.span_values import document_of, group_value, span_of
from spacy_lambda.conversion.source_files import SourceFile

__all__ = ["find", "read", "write"]

SPANS = ("annotation", "annotations", "tokens")
"""Keys of the spans, with the kind of export: spans, or the spans that relations refer to."""

KNOWN = ("document", "documentName", "user_input", "id", "group", "meta", "doc_id", "document_id", "name")
"""Keys of a document that are read, or that have nothing to convert."""

OTHERS = ("propertiesList", "commentsList")
"""Keys of a span's properties and comments."""


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    return [one for one in json_files(files) if _is_known(first_item(one))]


def _is_known(item: Any) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("document"), str):
        return False
    return any(isinstance(item.get(key), list) for key in SPANS)


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    for file in files:
        for item in json_items(file, reading):
            yield _document(item, reading)


def _document(item: JsonItem, reading: ReadingContext) -> AnnotatedDocument:
    values = dict(item.object())
    if isinstance(tokens := values.get("tokens"), list):
        values["tokens"] = [one for one in tokens if _is_entity(one)]
    found = spans_under(SPANS, item.with_value(values), reading) or []
    for key, value in values.items():
        if value and key not in (*SPANS, *KNOWN):
            note_values(key, value, item, reading)
    for one in found:
        for key in OTHERS:
            if isinstance(one, dict) and one.get(key):
                note_values(key, one[key], item, reading)
    return document_of({**values, "text": values.get("document")}, tuple(span_of(one, item) for one in found), item)


def _is_entity(token: Any) -> bool:
    """Return whether a token, which may have no label, is one of an entity."""
    return not isinstance(token, dict) or bool(token.get("entityLabel") or token.get("label"))


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    values = [_values(document) for document in documents]
    path.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")


def _values(document: AnnotatedDocument) -> Mapping[str, Any]:
    spans = [_span(document, span) for span in document.spans]
    values = {"documentName": document.id, "document": document.text, **group_value(document)}
    return {**values, "annotation": spans, "user_input": ""}


def _span(document: AnnotatedDocument, span: AnnotatedSpan) -> Mapping[str, Any]:
    values = {"start": span.start, "end": span.end, "label": span.label, "text": document.annotated_text(span)}
    return {**values, "propertiesList": [], "commentsList": []}
