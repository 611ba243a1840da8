"""Prodigy's JSONL: accepted, rejected and ignored examples, with spans by characters and by tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacy_lambda.conversion.annotated_document import AGAIN, ANOTHER, NOT_ANNOTATED, AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.json_items import JsonItem, first_item, json_files, json_items
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_values import document_of, identifiers_of, span_of, write_json_lines
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.conversion.token_bounds import token_span

__all__ = ["find", "read", "write"]

MARKS = ("_input_hash", "_task_hash", "_view_id", "_session_id", "_annotator_id", "_is_binary", "answer")
ACCEPTED = "accept"
REASONS = {"reject": "rejected", "ignore": "ignored", "None": NOT_ANNOTATED}

BINARY_VIEWS = ("ner", "spans")
"""Interfaces that ask about highlighted spans, in versions without ``_is_binary``; not ``ner_manual``, for example."""

SPAN_VIEWS = (*BINARY_VIEWS, "ner_manual", "spans_manual", "rel", "relations")
"""Interfaces in which spans are annotated."""

BINARY = "binary answers of Prodigy, which leave the text outside of their spans without a value"


@dataclass(frozen=True)
class _Example:
    """An answer.

    :param document: Its document.
    :param input: Its text's hash, or what is used in its place.
    :param is_binary: True if it is about the highlighted spans alone, and not about the rest of the text.
    """

    document: AnnotatedDocument
    input: Any
    is_binary: bool


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    return [one for one in json_files(files) if _is_known(first_item(one))]


def _is_known(item: Any) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        return False
    return any(mark in item for mark in MARKS) or ("tokens" in item and "spans" in item)


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    """Yield the examples. Of several for one input, all but the first are left out, or but the named annotator's.

    The accepted binary answers about one input are one document, unless it is annotated as a whole, too.
    """
    examples = [_example(item, reading) for file in files for item in json_items(file, reading)]
    taken = [one for one in examples if one.document.left_out is None]
    whole = {one.input for one in taken if not one.is_binary}
    answers: dict[Any, list[AnnotatedDocument]] = {}
    for one in taken:
        if one.is_binary:
            answers.setdefault(one.input, []).append(one.document)
    seen = set[Any]()
    for one in examples:
        if one.document.left_out is not None:
            yield one.document
        elif one.is_binary and one.input not in whole:
            if one.document is answers[one.input][0]:
                yield _joined(answers[one.input], reading)
        else:
            yield replace(one.document, left_out=AGAIN if one.is_binary or one.input in seen else None)
            seen |= set() if one.is_binary else {one.input}


def _joined(answers: Sequence[AnnotatedDocument], reading: ReadingContext) -> AnnotatedDocument:
    """Return the document of the accepted answers about a text, whose other parts are unknown."""
    first = answers[0]
    reading.account.note(BINARY, first.place(), number=len(answers))
    spans = tuple(dict.fromkeys(span for one in answers for span in one.spans))
    return replace(first, spans=spans, missing=((0, len(first.text)),) if first.text else ())


def _example(item: JsonItem, reading: ReadingContext) -> _Example:
    values = item.object()
    document = _document(item, values, reading)
    if document.left_out is None and _is_another(values, reading.options.annotator):
        document = replace(document, left_out=ANOTHER)
    if by := _annotator(values):
        parts = by.split("-")
        reading.annotators[by] = {"-".join(parts[index:]) for index in range(len(parts))}
    is_binary = values.get("_is_binary")
    if not isinstance(is_binary, bool):
        is_binary = values.get("_view_id") in BINARY_VIEWS
    key = values.get("_input_hash")
    if key is None:  # answers about one text belong together, but two examples of it may be two documents
        key = document.text if is_binary else (item.file.name, item.number)
    return _Example(document, key, is_binary)


def _annotator(values: Mapping[str, Any]) -> str:
    """Return the annotator of an example, as ``dataset-annotator``."""
    return str(values.get("_annotator_id") or values.get("_session_id") or "")


def _is_another(values: Mapping[str, Any], annotator: str | None) -> bool:
    """Return whether an example is not the named annotator's."""
    by = _annotator(values)
    return annotator is not None and by != annotator and not by.endswith(f"-{annotator}")


def _document(item: JsonItem, values: Mapping[str, Any], reading: ReadingContext) -> AnnotatedDocument:
    place = f"{item.file.name}:{item.line}"
    if relations := values.get("relations"):
        number = len(relations) if isinstance(relations, list) else 1
        reading.account.note("relations of Prodigy, not converted", place, number=number)
    if values.get("label") or values.get("accept"):
        reading.account.note("categories of Prodigy, not converted", place)
    kept = [one for one in values.get("spans") or () if _is_kept(one, place, reading)]
    for one in kept:
        if not _agrees(one, values.get("tokens")):
            reading.account.note("spans whose tokens and characters differ, read by characters", place)
    spans = tuple(span_of(_with_offsets(one, values.get("tokens")), item) for one in kept)
    identifier = {} if "id" in values else _identifier(values)
    return document_of({**identifier, **values}, spans, item, unit="characters", left_out=_reason(values))


def _is_kept(span: Any, place: str, reading: ReadingContext) -> bool:
    """Return whether a span has no answer of its own, or an accepted one; another is counted."""
    answer = span.get("answer", ACCEPTED) if isinstance(span, dict) else ACCEPTED
    if answer != ACCEPTED:
        reading.account.note(f"spans with the answer {answer!r:.40}, not converted", place)
    return bool(answer == ACCEPTED)


def _agrees(span: Any, tokens: Any) -> bool:
    """Return whether a span's tokens have its characters, as far as it has both."""
    if not isinstance(span, dict) or "start" not in span or not isinstance(tokens, list):
        return True
    by_tokens = _with_offsets({key: value for key, value in span.items() if key not in ("start", "end")}, tokens)
    if "start" not in by_tokens:
        return "token_start" not in span
    return bool((by_tokens["start"], by_tokens["end"]) == (span["start"], span.get("end")))


def _reason(values: Mapping[str, Any]) -> str | None:
    """Return the reason why an example is left out: its answer, or because it was a question about something else."""
    answer = values.get("answer", ACCEPTED)
    if answer != ACCEPTED:
        return REASONS.get(str(answer), f"answered {answer!r:.40}")
    is_other = bool(values.get("label") or values.get("options"))
    return NOT_ANNOTATED if is_other and not values.get("spans") and not _is_about_spans(values) else None


def _is_about_spans(values: Mapping[str, Any]) -> bool:
    """Return whether an example without spans was a question about them: by its interface, or its tokens."""
    view = values.get("_view_id")
    return "spans" in values and (view in SPAN_VIEWS or (view in (None, "blocks") and "tokens" in values))


def _identifier(values: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = values.get("meta")
    found = meta.get("id") if isinstance(meta, dict) else None
    return {} if found is None else {"id": found}


def _with_offsets(span: Any, tokens: Any) -> Any:
    """Return a span that has tokens but no characters, with the tokens' characters."""
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
    return {"text": text, "meta": meta, "tokens": tokens, "spans": spans, "answer": ACCEPTED}


def _span(span: AnnotatedSpan, tokens: Sequence[tuple[int, int]]) -> Mapping[str, Any]:
    first, last = token_span(tokens, span.start, span.end)
    bounds = {"token_start": first, "token_end": last - 1}
    return {"start": span.start, "end": span.end, **bounds, "label": span.label, **identifiers_of(span)}
