"""CSV of spans: a span in each row, with its document's text."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_values import identifiers_of
from spacy_lambda.conversion.formats.table_rows import TableRow, is_null, other_columns, span_header, table_rows
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError

__all__ = ["find", "read", "write"]

SUFFIXES = (".csv", ".tsv", ".txt")
COLUMNS = ("id", "document", "start", "end", "label", "text", "group")
IDENTIFIERS = ("kb_id", "span_id")
"""Columns that a file has if a span needs them."""

OFFSET = re.compile(r"([-+]?\d{1,1000})(?:[.,]0)?")
"""A whole number, also with one zero after a point or a comma."""


@dataclass
class _Document:
    """The rows of one document."""

    first: TableRow
    spans: list[AnnotatedSpan] = field(default_factory=list)


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    named = [one for one in files if one.suffix in SUFFIXES or len(files) == 1]
    return [one for one in named if span_header(one) is not None]


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    for file in files:
        file.check_not_empty()
        if file.note:
            reading.account.note(f"files {file.note}", f"{file.name}:1")
        rows = list(table_rows(file))
        reading.account.note_columns(other_columns(file), file.name)
        _check_texts(rows, file)
        for number, one in enumerate(_documents(rows, file, reading), start=1):
            name = one.first.id or f"{file.stem}-{number}"
            text = "" if not one.spans and is_null(one.first.text) else one.first.text
            yield AnnotatedDocument(name, text, tuple(one.spans), file.name, one.first.line, one.first.group or None)


def _documents(rows: Sequence[TableRow], file: SourceFile, reading: ReadingContext) -> list[_Document]:
    """Return the documents: rows of one identifier and text, which may be apart, as in a table sorted by labels.

    Rows that repeat what an earlier document has begin another document.
    """
    documents: list[_Document] = []
    known: dict[tuple[str, str], _Document] = {}
    for key, group in groupby(rows, key=lambda row: (row.id, row.text)):
        for part in _parts(list(group)):
            spans = [_span(row, file) for row in part if row.has_span]
            before = known.get(key)
            if before is not None and not (set(spans) & set(before.spans) or spans == before.spans):
                reading.account.note("rows of one document that are apart", f"{file.name}:{part[0].line}")
                before.spans += spans
                continue
            known[key] = _Document(part[0], spans)
            documents.append(known[key])
    return documents


def _parts(rows: list[TableRow]) -> list[list[TableRow]]:
    """Return rows as one document, or, if none of them has a span, as one for each."""
    return [rows] if any(row.has_span for row in rows) else [[row] for row in rows]


def _span(row: TableRow, file: SourceFile) -> AnnotatedSpan:
    start, end = _offset(row.start), _offset(row.end)
    if start is None or end is None:
        raise CorpusError(
            f"{file.name}:{row.line}: {row.start!r} and {row.end!r} are not the offsets of a span",
            remedy="write whole numbers",
        )
    covered = row.covered or None
    return AnnotatedSpan(((start, end),), row.label, row.line, covered, row.kb_id, row.span_id)


def _offset(cell: str) -> int | None:
    """Return a whole number, which pandas writes as 3.0, or 3,0, where a column has an empty cell.

    1.000 may be one or a thousand.
    """
    found = OFFSET.fullmatch(cell)
    return None if found is None else int(found[1])


def _check_texts(rows: Sequence[TableRow], file: SourceFile) -> None:
    """Refuse a table whose column of texts has the texts of the spans.

    :raises CorpusError: If each text is as long as its span, and a span ends after its text.
    """
    placed = [(row, _offset(row.start), _offset(row.end)) for row in rows if row.has_span]
    outside = None
    for row, start, end in placed:
        if start is None or end is None or end - start not in _lengths(row.text):
            return
        if outside is None and end > len(row.text.encode("utf-8", "surrogatepass")):
            outside = row
    if outside is not None:
        raise CorpusError(
            f"{file.name}:{outside.line}: the text {outside.text[:40]!r} is that of the span"
            f" {outside.start}-{outside.end}, as in each row; the document's text is missing",
            remedy='add a column "document" with the whole text of the document to each row',
        )


def _lengths(text: str) -> set[int]:
    """Return the length of a text in characters, UTF-16 units and bytes, with and without white space at its ends."""
    texts = (text, text.strip())
    return {
        size
        for one in texts
        for size in (
            len(one),
            len(one.encode("utf-16-le", "surrogatepass")) // 2,
            len(one.encode("utf-8", "surrogatepass")),
        )
    }


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    has_ids = any(identifiers_of(span) for document in documents for span in document.spans)
    names = set[tuple[str, str]]()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, (*COLUMNS, *IDENTIFIERS) if has_ids else COLUMNS, restval="")
        writer.writeheader()
        for document in documents:
            same = {"id": _name(document, names), "document": document.text, "group": document.group or ""}
            for span in document.spans:
                place = {"start": span.start, "end": span.end, "label": span.label}
                writer.writerow({**same, **place, "text": document.annotated_text(span), **identifiers_of(span)})
            if not document.spans:
                writer.writerow(same)


def _name(document: AnnotatedDocument, names: set[tuple[str, str]]) -> str:
    """Return a document's identifier, with a number if another document with its text has it, too."""
    name, number = document.id, 1
    while (name, document.text) in names:
        number += 1
        name = f"{document.id}-{number}"
    names.add((name, document.text))
    return name
