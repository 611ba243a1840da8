"""CSV of spans: a span in each row, with its document's text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError

__all__ = ["find", "read", "write"]

DELIMITERS = (",", ";", "\t", "|")
SUFFIXES = (".csv", ".tsv", ".txt")
MAX_CELL = 32 << 20

ID = ("id", "doc_id", "document_id", "doc", "file", "filename", "document_name")
TEXT = ("document", "doc_text", "document_text", "full_text", "sentence", "context", "content", "text")
COVERED = ("span", "span_text", "entity", "entity_text", "mention", "surface", "value", "text")
START = ("start", "start_offset", "start_char", "begin", "offset_start")
END = ("end", "end_offset", "end_char", "stop", "offset_end")
LABEL = ("label", "type", "entity_type", "category", "tag", "class")
GROUP = ("group",)


@dataclass
class _Rows:
    """The rows of one document."""

    id: str
    text: str
    line: int
    group: str | None
    spans: list[AnnotatedSpan] = field(default_factory=list)


@dataclass(frozen=True)
class _Header:
    """Names of the columns, by what they hold."""

    names: tuple[str, ...]

    def column(self, choices: Sequence[str]) -> str | None:
        """Return the first name that the table has, whatever its case."""
        return next((name for one in choices for name in self.names if name.strip().lower() == one), None)


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    named = [one for one in files if one.suffix in SUFFIXES or len(files) == 1]
    return [one for one in named if _delimiter(one) is not None]


def _delimiter(file: SourceFile) -> str | None:
    """Return the delimiter by which the first line has the columns that are needed."""
    first = file.text.partition("\n")[0].rstrip("\r")[:10_000]
    for delimiter in DELIMITERS:
        try:
            header = _Header(tuple(next(csv.reader([first], delimiter=delimiter), ())))
        except csv.Error:
            continue
        if all(header.column(choices) for choices in (START, END, LABEL)):
            return delimiter
    return None


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    for file in files:
        file.check_not_empty()
        if file.note:
            reading.account.note(f"files {file.note}", f"{file.name}:1")
        documents: dict[tuple[str, str], _Rows] = {}
        for line, row in _rows(file):
            _add(documents, row, file, line)
        for one in documents.values():
            yield AnnotatedDocument(one.id, one.text, tuple(one.spans), file.name, one.line, one.group)


def _rows(file: SourceFile) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield rows with the line in which each begins."""
    csv.field_size_limit(max(MAX_CELL, csv.field_size_limit()))
    reader = csv.reader(io.StringIO(file.text, newline=""), delimiter=_delimiter(file) or ",", strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as exc:
            raise CorpusError(
                f"{file.name}:{line}: the row cannot be read: {exc}",
                remedy="put cells that have quotes, delimiters or line breaks in quotes, and write such quotes twice",
            ) from exc
        if cells is None:
            return
        if header is None:
            header = cells
        elif cells and len(cells) != len(header):
            raise CorpusError(
                f"{file.name}:{line}: the row has {len(cells)} cells; the header has {len(header)}",
                remedy="put cells that have delimiters in quotes",
            )
        elif cells:
            yield line, dict(zip(header, cells, strict=True))


def _add(documents: dict[tuple[str, str], _Rows], row: Mapping[str, str], file: SourceFile, line: int) -> None:
    header = _Header(tuple(row))
    text_column, id_column = header.column(TEXT), header.column(ID)
    if text_column is None:
        raise CorpusError(
            f"{file.name}:1: no column has the documents' texts; columns: {', '.join(map(repr, row))}",
            remedy='add a column "document" with the whole text to each row',
        )
    text = row[text_column]
    identifier = row[id_column] if id_column is not None else ""
    group = header.column(GROUP)
    name = identifier or f"{file.stem}-{len(documents) + 1}"
    key = (identifier, text)
    one = documents.setdefault(key, _Rows(name, text, line, (row[group] or None) if group is not None else None))
    start, end, label = (row[header.column(choices) or ""].strip() for choices in (START, END, LABEL))
    if not (start or end or label):
        return  # a document without spans
    covered = header.column(COVERED)
    try:
        place = (int(float(start)), int(float(end)))  # pandas writes 3.0 where a column has an empty cell
    except (ValueError, OverflowError) as exc:
        raise CorpusError(
            f"{file.name}:{line}: {start!r} and {end!r} are not the offsets of a span", remedy="write whole numbers"
        ) from exc
    own = row[covered] if covered is not None and covered != text_column else None
    one.spans.append(AnnotatedSpan((place,), label, line, own or None))


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "document", "start", "end", "label", "text", "group"])
        for document in documents:
            group = document.group or ""
            for span in document.spans:
                place = [span.start, span.end, span.label, document.annotated_text(span)]
                writer.writerow([document.id, document.text, *place, group])
            if not document.spans:
                writer.writerow([document.id, document.text, "", "", "", "", group])
