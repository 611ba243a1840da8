"""A file of CSV -> its rows, each with its line, and cells by what their columns hold."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError

__all__ = [
    "END",
    "LABEL",
    "NULLS",
    "START",
    "TEXT",
    "TableRow",
    "delimiter_of",
    "is_null",
    "other_columns",
    "table_rows",
]

DELIMITERS = (",", ";", "\t", "|")
MAX_CELL = 32 << 20

ID = ("id", "doc_id", "document_id", "doc", "file", "filename", "document_name")
TEXT = ("document", "doc_text", "document_text", "full_text", "sentence", "context", "content", "text")
COVERED = ("span", "span_text", "entity", "entity_text", "mention", "surface", "value", "text")
START = ("start", "start_offset", "start_char", "begin", "offset_start")
END = ("end", "end_offset", "end_char", "stop", "offset_end")
LABEL = ("label", "type", "entity_type", "category", "tag", "class")
GROUP = ("group",)
KB_ID = ("kb_id",)
SPAN_ID = ("span_id",)

NULLS = frozenset({"", "nan", "NaN", "None", "null", "NULL", "<NA>"})
"""Cells without a value, as tools write them."""


@dataclass(frozen=True)
class TableRow:
    """A row.

    :param line: Its first line.
    :param id: Its document's identifier; empty if it has none.
    :param text: Its document's text.
    :param start: The cell of its span's start, and so on; all of them are empty if it has no span.
    :param covered: The cell of the annotated text, if that is not the one of the document's text.
    """

    line: int
    id: str
    text: str
    start: str
    end: str
    label: str
    covered: str
    group: str
    kb_id: str
    span_id: str

    @property
    def has_span(self) -> bool:
        """True if it has more than a document."""
        return bool(self.start or self.end or self.label)


@dataclass(frozen=True)
class _Header:
    """Names of the columns, by what they hold."""

    names: tuple[str, ...]

    def index(self, choices: Sequence[str]) -> int | None:
        """Return the column of the first name that the table has, whatever its case."""
        found = (index for one in choices for index, name in enumerate(self.names) if name.strip().lower() == one)
        return next(found, None)


def is_null(cell: str) -> bool:
    """Return whether a cell has no value."""
    return cell.strip() in NULLS


def delimiter_of(file: SourceFile) -> str | None:
    """Return the delimiter by which the first line has the columns that are needed."""
    first = file.text.partition("\n")[0].rstrip("\r")[:10_000]
    for delimiter in DELIMITERS:
        try:
            header = _Header(tuple(next(csv.reader([first], delimiter=delimiter), ())))
        except csv.Error:
            continue
        if all(header.index(choices) is not None for choices in (START, END, LABEL)):
            return delimiter
    return None


def table_rows(file: SourceFile) -> Iterator[TableRow]:
    """Yield the rows of a file.

    :raises CorpusError: If a row cannot be read, or no column has the documents' texts.
    """
    rows = _cells(file)
    _, names = next(rows, (1, []))
    header = _Header(tuple(names))
    text, covered = header.index(TEXT), header.index(COVERED)
    if text is None:
        raise CorpusError(
            f"{file.name}:1: no column has the documents' texts; columns: {', '.join(map(repr, names))}",
            remedy='add a column "document" with the whole text to each row',
        )
    columns = [header.index(choices) for choices in (ID, GROUP, KB_ID, SPAN_ID, START, END, LABEL)]
    for line, cells in rows:
        identifier, group, kb_id, span_id, *place = (
            "" if column is None or is_null(cells[column]) else cells[column] for column in columns
        )
        start, end, label = (cell.strip() for cell in place)
        if not start and not end and label in ("O", "NA"):
            label = ""
        yield TableRow(
            line=line,
            id=identifier,
            text=cells[text],
            start=start,
            end=end,
            label=label,
            covered="" if covered in (None, text) or is_null(cells[covered]) else cells[covered],
            group=group,
            kb_id=kb_id,
            span_id=span_id,
        )


def other_columns(file: SourceFile) -> list[str]:
    """Return the names of the columns that are not read, without those of row numbers, as pandas writes them."""
    _, names = next(_cells(file), (1, []))
    header = _Header(tuple(names))
    read = {header.index(choices) for choices in (TEXT, COVERED, ID, GROUP, KB_ID, SPAN_ID, START, END, LABEL)}
    others = (name.strip() for column, name in enumerate(names) if column not in read)
    return [name for name in others if name and not name.startswith("Unnamed: ")]


def _cells(file: SourceFile) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of header and rows with the line in which each begins."""
    csv.field_size_limit(max(MAX_CELL, csv.field_size_limit()))
    reader = csv.reader(io.StringIO(file.text, newline=""), delimiter=delimiter_of(file) or ",", strict=True)
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
        if header is not None and cells and len(cells) != len(header):
            raise CorpusError(
                f"{file.name}:{line}: the row has {len(cells)} cells; the header has {len(header)}",
                remedy="put cells that have delimiters in quotes",
            )
        if header is None or cells:
            header = header or cells
            yield line, cells
