"""Prodigy's JSONL: accepted, rejected and ignored examples, with spans by characters and by tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy_lambda.conversion.annotated_document import AGAIN, ANOTHER, AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.json_items import JsonItem, first_item, json_files, json_items
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_values import document_of, span_of, write_json_lines
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.conversion.token_bounds import token_span

__all__ = ["find", "read", "write"]

MARKS = ("_input_hash", "_task_hash", "_view_id", "_session_id", "_annotator_id", "answer")
REASONS = {"reject": "rejected", "ignore": "ignored"}


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    return [one for one in json_files(files) if _is_known(first_item(one))]


def _is_known(item: Any) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        return False
    return any(mark in item for mark in MARKS) or ("tokens" in item and "spans" in item)


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    """Yield the examples. Of several for one input, all but the first are left out, or but the named annotator's."""
    seen = set[Any]()
    for file in files:
        for item in json_items(file, reading):
            document = _document(item, reading)
            if document.left_out is None and _is_another(item.object(), reading.options.annotator):
                document = replace(document, left_out=ANOTHER)
            example = item.object().get("_input_hash")
            if document.left_out is None and example is not None:
                document = replace(document, left_out=AGAIN if example in seen else None)
                seen.add(example)
            yield document


def _is_another(values: Mapping[str, Any], annotator: str | None) -> bool:
    """Return whether an example is not the named annotator's; identifiers are ``dataset-annotator``."""
    by = str(values.get("_annotator_id") or values.get("_session_id") or "")
    return annotator is not None and by != annotator and not by.endswith(f"-{annotator}")


def _document(item: JsonItem, reading: ReadingContext) -> AnnotatedDocument:
    values = item.object()
    place = f"{item.file.name}:{item.line}"
    if values.get("relations"):
        reading.account.note("relations of Prodigy, not converted", place, number=len(values["relations"]))
    spans = tuple(span_of(_with_offsets(one, values), item) for one in values.get("spans") or ())
    answer = REASONS.get(str(values.get("answer", "accept")))
    identifier = {} if "id" in values else _identifier(values)
    return document_of({**identifier, **values}, spans, item, unit="characters", left_out=answer)


def _identifier(values: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = values.get("meta")
    found = meta.get("id") if isinstance(meta, dict) else None
    return {} if found is None else {"id": found}


def _with_offsets(span: Any, values: Mapping[str, Any]) -> Any:
    """Return a span that has tokens only with the characters of these."""
    tokens = values.get("tokens")
    if not isinstance(span, dict) or "start" in span or not isinstance(tokens, list):
        return span
    try:
        start, end = (tokens[span[key]][bound] for key, bound in (("token_start", "start"), ("token_end", "end")))
    except (KeyError, IndexError, TypeError):
        return span
    return {**span, "start": start, "end": end}


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    write_json_lines(documents, path, _values)


def _values(document: AnnotatedDocument) -> Mapping[str, Any]:
    bounds = document.tokens or ()
    text = document.text
    tokens = [
        {"text": text[start:end], "start": start, "end": end, "id": index, "ws": text[end : end + 1] == " "}
        for index, (start, end) in enumerate(bounds)
    ]
    spans = [_span(span, bounds) for span in document.spans]
    meta = {"id": document.id} | ({} if document.group is None else {"group": document.group})
    return {"text": text, "meta": meta, "tokens": tokens, "spans": spans, "answer": "accept"}


def _span(span: AnnotatedSpan, tokens: Sequence[tuple[int, int]]) -> Mapping[str, Any]:
    first, last = token_span(tokens, span.start, span.end)
    bounds = {"token_start": first, "token_end": last - 1}
    return {"start": span.start, "end": span.end, **bounds, "label": span.label}
