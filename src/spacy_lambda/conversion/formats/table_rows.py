"""Rows of a table of spans: cells by what their columns hold, of which some are null."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spacy_lambda.conversion.formats.csv_rows import CsvHeader, csv_header, csv_rows, forced_header
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError

__all__ = ["TableRow", "has_offsets", "is_null", "other_columns", "span_header", "table_rows"]

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


def is_null(cell: str) -> bool:
    """Return whether a cell has no value."""
    return cell.strip() in NULLS


def has_offsets(header: CsvHeader) -> bool:
    """Return whether a table has columns of spans."""
    return all(header.index(choices) is not None for choices in (START, END, LABEL))


def span_header(file: SourceFile) -> CsvHeader | None:
    """Return the header of a table of spans; ``None`` if the file is something else."""
    return csv_header(file, has_offsets)


def table_rows(file: SourceFile) -> Iterator[TableRow]:
    """Yield the rows of a file.

    :raises CorpusError: If a row cannot be read, or columns that are needed are missing.
    """
    header = span_header(file) or forced_header(file)
    text, covered = header.index(TEXT), header.index(COVERED)
    _check_columns(header, file)
    assert text is not None
    columns = [header.index(choices) for choices in (ID, GROUP, KB_ID, SPAN_ID, START, END, LABEL)]
    for line, cells in csv_rows(file, header):
        if not cells:
            continue
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


def _check_columns(header: CsvHeader, file: SourceFile) -> None:
    """Refuse a table without texts or spans.

    :raises CorpusError: If it has no column for one of them.
    """
    place, names = f"{file.name}:{header.line}", ", ".join(map(repr, header.names))[:200]
    if header.index(TEXT) is None:
        raise CorpusError(
            f"{place}: no column has the documents' texts; columns: {names}",
            remedy='add a column "document" with the whole text to each row',
        )
    if not has_offsets(header):
        raise CorpusError(
            f"{place}: the table has no columns of spans; columns: {names}",
            remedy='name them "start", "end" and "label"',
        )


def other_columns(file: SourceFile) -> list[str]:
    """Return the names of the columns that are not read."""
    header = span_header(file) or forced_header(file)
    choices = (TEXT, COVERED, ID, GROUP, KB_ID, SPAN_ID, START, END, LABEL)
    return header.others([header.index(one) for one in choices])
