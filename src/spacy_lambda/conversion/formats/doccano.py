"""Doccano's JSONL: ``label`` with ``[start, end, label]``, or ``entities`` with ``start_offset`` and ``end_offset``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from spacy_lambda.conversion.annotated_document import ANOTHER, NOT_ANNOTATED, AnnotatedDocument
from spacy_lambda.conversion.formats.json_items import JsonItem, first_item, json_files, json_items
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_lists import note_unread, spans_under
from spacy_lambda.conversion.formats.span_values import document_of, group_value, span_of, write_json_lines
from spacy_lambda.conversion.source_files import SourceFile

__all__ = ["find", "read", "write"]

LABELS = ("label", "labels")
UNKNOWN = "unknown"
"""Annotator of spans without a user beside those that have one."""

KEYS = ("entities", "annotations", *LABELS)
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
    """Yield the documents. Of several annotators', the named one's is taken, or the first that has spans.

    The export of a project whose annotations are not shared has a file for each annotator, with all documents.
    """
    wanted = reading.options.annotator
    found = []
    for file in files:
        names = (PurePosixPath(file.stem).name,) if len(files) > 1 else ()
        reading.annotators.update((name, {name}) for name in names)
        found += [one for item in json_items(file, reading) for one in _documents(item, names, reading)]
    chosen: dict[tuple[str, str], _Annotated] = {}
    for one in sorted(found, key=lambda one: one.rank(wanted)):
        chosen.setdefault((one.document.id, one.document.text), one)
    for one in found:
        is_first = chosen[one.document.id, one.document.text] is one
        is_taken = not one.annotators or (is_first and (wanted is None or wanted in one.annotators))
        yield one.document if is_taken else replace(one.document, left_out=one.document.left_out or ANOTHER)


@dataclass(frozen=True, eq=False)
class _Annotated:
    """A document with those who annotated it: its file's name, and its spans' user."""

    document: AnnotatedDocument
    annotators: tuple[str, ...]

    def rank(self, wanted: str | None) -> tuple[bool, bool]:
        """Return a smaller value for the one to take of several: the named annotator's, or one that has spans."""
        return wanted is not None and wanted not in self.annotators, not self.document.spans


def _documents(item: JsonItem, names: tuple[str, ...], reading: ReadingContext) -> Iterator[_Annotated]:
    """Yield a document for each user whose spans it has."""
    values = item.object()
    found = spans_under(KEYS, item, reading) or []
    place = f"{item.file.name}:{item.line}"
    if categories := [one for one in found if isinstance(one, str)]:
        reading.account.note("categories of Doccano, not converted", place, number=len(categories))
    for key, what in OTHERS.items():
        if values.get(key):
            detail = 'if they are spaCy\'s, as in {"A": 1.0}, --format jsonl keeps them' if key == "cats" else ""
            message = f"{what} of Doccano, not converted"
            reading.account.note(message, place, number=len(values[key]), detail=detail)
    note_unread(item, OTHERS, reading)
    left_out = NOT_ANNOTATED if categories and len(categories) == len(found) else None
    users: dict[str | None, list[Any]] = {}
    for one in found:
        if not isinstance(one, str):
            user = one.get("user") if isinstance(one, dict) else None
            users.setdefault(None if user is None else str(user), []).append(one)
    reading.annotators.update((user, {user}) for user in users if user is not None)
    if len(users) > 1 and None in users:
        users[UNKNOWN] = users.pop(None)
    for user, spans in (users or {None: []}).items():
        document = document_of(values, tuple(span_of(one, item) for one in spans), item, left_out=left_out)
        yield _Annotated(document, names if user is None else (*names, user))


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    write_json_lines(documents, path, _values)


def _values(document: AnnotatedDocument) -> Mapping[str, Any]:
    labels = [[span.start, span.end, span.label] for span in document.spans]
    return {"id": document.id, "text": document.text, **group_value(document), "label": labels}
