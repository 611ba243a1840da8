"""JSON Lines with a text and its spans by character offsets, whatever their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.json_items import JsonItem, first_item, json_files, json_items
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_lists import note_unread, spans_under, unread_values
from spacy_lambda.conversion.formats.span_values import (
    KNOWN_KEYS,
    SPAN_KEYS,
    document_of,
    identifiers_of,
    span_of,
    write_json_lines,
)
from spacy_lambda.conversion.source_files import SourceFile

__all__ = ["documents_of_items", "find", "read", "write"]

OTHERS = ("relations", "events")

COUNTED = (*OTHERS, "cats")
"""Keys that are converted or counted, besides the keys of spans."""


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    return [one for one in json_files(files) if _is_known(first_item(one))]


def _is_known(item: Any) -> bool:
    return _is_pair(item) or _has_text(item)


def _is_pair(item: Any) -> bool:
    """Return whether a value is an item of spaCy 2: ``[text, {"entities": [[start, end, label]]}]``."""
    return isinstance(item, list) and len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], dict)


def _has_text(item: Any) -> bool:
    return isinstance(item, dict) and any(isinstance(item.get(key), str) for key in ("text", "content"))


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    yield from documents_of_items((item for file in files for item in json_items(file, reading)), reading)


def documents_of_items(items: Iterable[JsonItem], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    """Yield the documents of texts with their spans.

    :raises CorpusError: If one has no text, a span has no offsets, or all spans are under keys that are not read.
    """
    unread: tuple[JsonItem, str] | None = None
    for one in items:
        item = _as_object(one)
        yield _document(item, reading)
        if unread is None and (others := unread_values(item.object(), COUNTED, reading)):
            unread = item, next(iter(others))
    if unread is not None and not reading.places and reading.options.spans_from is None:
        item, key = unread
        raise item.error(
            f"no document has a list of spans under {', '.join(SPAN_KEYS)}; {key!r} is not read",
            'choose its key with --spans-from, or write "spans": [[0, 4, "LABEL"]]',
        )


def _as_object(item: JsonItem) -> JsonItem:
    """Return an item of spaCy 2 as an object."""
    return item.with_value({"text": item.value[0], **item.value[1]}) if _is_pair(item.value) else item


def _document(item: JsonItem, reading: ReadingContext) -> AnnotatedDocument:
    values = item.object()
    found = spans_under(SPAN_KEYS, item, reading)
    if found is None:
        if reading.options.spans_from is None:
            _check_missing(values, item)
        reading.account.note("documents without a list of spans", f"{item.file.name}:{item.line}")
    spans = tuple(span_of(one, item) for one in found or ())
    _note_others(found or (), values, item, reading)
    note_unread(item, COUNTED, reading)
    return document_of(values, spans, item, cats=_cats(values, item, reading))


def _cats(values: Mapping[str, Any], item: JsonItem, reading: ReadingContext) -> Mapping[str, float]:
    """Return the categories, if they have spaCy's form; others are counted."""
    cats = values.get("cats")
    if isinstance(cats, dict) and all(isinstance(one, int | float) for one in cats.values()):
        return {label: float(value) for label, value in cats.items()}
    if cats:
        reading.account.note("documents with categories, not converted", f"{item.file.name}:{item.line}")
    return {}


def _note_others(found: Sequence[Any], values: Mapping[str, Any], item: JsonItem, reading: ReadingContext) -> None:
    """Count the values of spans, and the relations between them, that are not converted."""
    place = f"{item.file.name}:{item.line}"
    others = [key for one in found if isinstance(one, dict) for key in one if key not in KNOWN_KEYS and one[key]]
    others += ["values after the label" for one in found if isinstance(one, list) and any(one[3:])]
    if others:
        message, detail = "values of spans, not converted", ", ".join(dict.fromkeys(others))[:80]
        reading.account.note(message, place, number=len(others), detail=detail)
    for key in OTHERS:
        if values.get(key):
            number = len(values[key]) if isinstance(values[key], list) else 1
            reading.account.note(f"{key}, not converted", place, number=number)


def _check_missing(values: Mapping[str, Any], item: JsonItem) -> None:
    key = next((one for one in SPAN_KEYS if values.get(one) is not None), None)
    if key is not None:
        raise item.error(f"{key!r} is not a list of spans: {values[key]!r:.100}", 'write "spans": [[0, 4, "LABEL"]]')


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    write_json_lines(documents, path, _values)


def _values(document: AnnotatedDocument) -> Mapping[str, Any]:
    spans = [_span(document, span) for span in document.spans]
    group = {} if document.group is None else {"group": document.group}
    cats = {"cats": dict(document.cats)} if document.cats else {}
    return {"id": document.id, "text": document.text, **group, "spans": spans, **cats}


def _span(document: AnnotatedDocument, span: AnnotatedSpan) -> Mapping[str, Any]:
    covered = document.annotated_text(span)
    return {"start": span.start, "end": span.end, "label": span.label, "text": covered, **identifiers_of(span)}
