"""Label Studio's JSON (tasks with annotations) and JSON-MIN (a flat object for each annotation)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy_lambda.conversion.annotated_document import (
    AGAIN,
    ANOTHER,
    CANCELLED,
    NOT_ANNOTATED,
    AnnotatedDocument,
    AnnotatedSpan,
)
from spacy_lambda.conversion.formats.json_items import JsonItem, first_item, json_files, json_items
from spacy_lambda.conversion.formats.label_studio_texts import LabelStudioTexts, Task, texts_of_tasks
from spacy_lambda.conversion.formats.label_studio_values import (
    annotator_names,
    is_span_result,
    spans_of_results,
    with_line_breaks,
)
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_values import groups_of
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError

__all__ = ["find", "read", "write"]

ANNOTATIONS = ("annotations", "completions")
"""The key of a task's annotations, now and in old versions."""

OTHERS = ("predictions", "drafts")
"""Keys of a model's annotations, and of annotations that are not submitted."""

TASK_KEYS = (*ANNOTATIONS, "predictions")
"""Keys of which a task has one."""

FLAT_KEYS = {"annotation_id", "annotator", "lead_time", "created_at", "updated_at"}
"""Keys that JSON-MIN adds to a task's data."""


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    return [one for one in json_files(files) if _is_task(item := first_item(one)) or _is_flat(item)]


def _is_task(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("data"), dict) and any(key in item for key in TASK_KEYS)


def _is_flat(item: Any) -> bool:
    return isinstance(item, dict) and len(FLAT_KEYS & item.keys()) >= 2


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    items = [list(json_items(file, reading)) for file in files]
    tasks = [_task(item) for found in items for item in found]
    _check_annotated(tasks, files)
    texts = texts_of_tasks(tasks, reading)
    for found in items:
        seen = set[Any]()
        for item in found:
            if _is_task(item.value):
                yield from _documents(item, texts, reading)
            else:
                document = _flat(item, texts, reading)
                if document.left_out is None and document.id in seen:
                    document = replace(document, left_out=AGAIN)
                elif document.left_out is None:
                    seen.add(document.id)
                yield document


def _task(item: JsonItem) -> Task:
    values = item.object()
    if not _is_task(values):
        return Task(item, {key: value for key, value in values.items() if key not in FLAT_KEYS}, _flat_results(values))
    return Task(item, values["data"], [one for found in _annotations(values) for one in found.get("result") or ()])


def _annotations(values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = [one for key in ANNOTATIONS if isinstance(values.get(key), list) for one in values[key]]
    return [one for one in found if isinstance(one, dict)]


def _check_annotated(tasks: Sequence[Task], files: Sequence[SourceFile]) -> None:
    """Refuse an export that a model annotated, and no person, or in which something else than spans is annotated.

    :raises CorpusError: If it has predictions and no annotations, or other results than spans alone.
    """
    results = [(task, one) for task in tasks for one in task.results if isinstance(one, dict)]
    if results and not any(is_span_result(one) for _, one in results):
        kinds = ", ".join(sorted({str(one.get("type", "result")) for _, one in results}))
        raise results[0][0].item.error(
            f"the tasks have no spans of text, but results of type {kinds:.100}",
            "export a project in which spans of texts are labelled",
        )
    values = [task.item.object() for task in tasks]
    if any(map(_annotations, values)) or not any(one.get("predictions") for one in values if _is_task(one)):
        return
    raise CorpusError(
        f"{files[0].name}: the tasks have predictions and no annotations",
        remedy="submit annotations in Label Studio, and export again",
    )


def _documents(item: JsonItem, texts: LabelStudioTexts, reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    """Yield a document for each annotation of a task; all but one are left out."""
    values = item.object()
    annotations = _annotations(values)
    place = f"{item.file.name}:{item.line}"
    for key in OTHERS:
        if values.get(key):
            reading.account.note(f"{key} of Label Studio, not converted", place, number=len(values[key]))
    for one in annotations:
        _add_annotator(one.get("completed_by"), reading)
    chosen = _chosen(annotations, reading.options.annotator)
    if not annotations:
        yield replace(_document(item, values["data"], (), texts, values.get("id")), left_out=NOT_ANNOTATED)
    for one in annotations:
        spans = spans_of_results(one.get("result") or (), item, texts.others, reading)
        document = _document(item, values["data"], spans, texts, values.get("id"))
        reason = CANCELLED if _is_cancelled(one) else None if one is chosen else ANOTHER
        yield replace(document, left_out=reason)


def _add_annotator(by: Any, reading: ReadingContext) -> None:
    if names := annotator_names(by):
        shown = by.get("email") or by.get("id") if isinstance(by, dict) else by
        reading.annotators.setdefault(str(shown or min(names)), set()).update(names)


def _chosen(annotations: Sequence[Mapping[str, Any]], annotator: str | None) -> Mapping[str, Any] | None:
    """Return the annotation to take: the ground truth, the named annotator's, or the first."""
    valid = [one for one in annotations if not _is_cancelled(one)]
    if annotator is not None:
        valid = [one for one in valid if annotator in annotator_names(one.get("completed_by"))]
    return next((one for one in valid if one.get("ground_truth")), valid[0] if valid else None)


def _is_cancelled(annotation: Mapping[str, Any]) -> bool:
    return bool(annotation.get("was_cancelled") or annotation.get("skipped"))


def _flat_results(values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = [(key, one) for key, value in values.items() if isinstance(value, list) for one in value]
    return [{"value": one, "type": "labels", "from_name": key} for key, one in found if isinstance(one, dict)]


def _flat(item: JsonItem, texts: LabelStudioTexts, reading: ReadingContext) -> AnnotatedDocument:
    values = item.object()
    spans = spans_of_results(_flat_results(values), item, texts.others, reading)
    document = _document(item, values, spans, texts, values.get("id"))
    annotator = reading.options.annotator
    _add_annotator(values.get("annotator"), reading)
    is_other = annotator is not None and annotator not in annotator_names(values.get("annotator"))
    return replace(document, left_out=ANOTHER) if is_other else document


def _document(
    item: JsonItem, data: Mapping[str, Any], spans: tuple[AnnotatedSpan, ...], texts: LabelStudioTexts, identifier: Any
) -> AnnotatedDocument:
    text = data.get(texts.key)
    if not isinstance(text, str):
        problem = f"the task has no text {texts.key!r}; keys: {', '.join(map(repr, data))[:200]}"
        raise item.error(problem, "export tasks of texts, or name the key of the text with --text-from")
    group, other_groups = groups_of(data, item.object().get("meta"))
    return AnnotatedDocument(
        f"{item.file.stem}-{item.number}" if identifier is None else str(identifier),
        text,
        with_line_breaks(spans, text),
        item.file.name,
        item.line,
        group,
        other_groups=other_groups,
        unit="utf16",  # as JavaScript counts
    )


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    values = [_values(document) for document in documents]
    path.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")


def _values(document: AnnotatedDocument) -> Mapping[str, Any]:
    group = {} if document.group is None else {"group": document.group}
    results = [_result(document, number, span) for number, span in enumerate(document.spans, start=1)]
    annotation = {"result": results, "was_cancelled": False, "ground_truth": False}
    return {"id": document.id, "data": {"text": document.text, **group}, "annotations": [annotation]}


def _result(document: AnnotatedDocument, number: int, span: AnnotatedSpan) -> Mapping[str, Any]:
    """Return a span as Label Studio counts: in UTF-16 units."""
    start, end = (_utf16(document.text[:position]) for position in (span.start, span.end))
    value = {"start": start, "end": end, "text": document.annotated_text(span), "labels": [span.label]}
    names = {"from_name": "label", "to_name": "text", "type": "labels", "origin": "manual"}
    return {"id": str(number), "value": value, **names}


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
