"""CSV and TSV, with a header; written with a row for each entity."""

from __future__ import annotations

import csv as csv_module
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from spacy_lambda.core.annotation import Document
from spacy_lambda.corpus.formats.delimited_rows import numbered_rows
from spacy_lambda.corpus.formats.documents import CONVERT, invalid_document, make_document
from spacy_lambda.corpus.formats.registry import Columns, Lines, Source, Write
from spacy_lambda.errors import CorpusError

__all__ = ["Delimited", "csv", "tsv", "tsv_unquoted"]

ENTITY_COLUMNS = ("id", "text", "label", "start", "end")

ROW_REMEDY = "put cells that have quotes, delimiters or line breaks in quotes, and write quotes within them twice"


@dataclass(frozen=True)
class Delimited:
    """A format of delimited cells.

    :param delimiter: What is between cells, unless the header has the columns only if it is split by another one, such
        as the ``;`` of Excel in Europe.
    :param quoted: ``False`` if quotes are part of the texts.
    """

    delimiter: str
    quoted: bool = True

    def read(self, stream: BinaryIO, file: str, columns: Columns) -> Iterator[Document]:
        """Yield a document for each row; its number is the number of the line in which the row begins."""
        header: list[str] | None = None
        for number, row in numbered_rows(stream, file, columns, delimiter=self.delimiter, quoted=self.quoted):
            if header is None:
                header = _header(row, f"{file}:{number}", columns)
            elif isinstance(row, list):
                yield _document(dict(zip(header, row, strict=False)), header, row, file, number, columns)
            else:
                yield invalid_document(file, number, f"the row cannot be read: {row}", ROW_REMEDY)

    def writer(self, every: Lines, sources: Sequence[Source], columns: Columns, parts: Sequence[str]) -> Write:
        """Return the function that writes entities."""
        return self._write

    def _write(self, lines: Lines, stream: BinaryIO) -> None:
        text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
        try:
            # The module's default end of line, \r\n, makes it quote cells with either of the two.
            writer = csv_module.writer(text, delimiter=self.delimiter)
            writer.writerow(ENTITY_COLUMNS)
            for line in lines():
                writer.writerows(_entity_row(line["id"], entity) for entity in line["ents"])
        finally:
            text.detach()


csv = Delimited(",")
tsv = Delimited("\t")
tsv_unquoted = Delimited("\t", quoted=False)


def _header(row: list[str] | str, place: str, columns: Columns) -> list[str]:
    """Return the names of the columns; columns without a name, or with another's name, are named as pandas does.

    :raises CorpusError: If the line cannot be read, or one that is needed is missing or occurs twice.
    """
    if isinstance(row, str):
        raise CorpusError(f"{place}: the header cannot be read: {row}", remedy="correct the header")
    if (byte := _not_utf8(row, range(1, len(row) + 1))) is not None:
        raise CorpusError(f"{place}: {byte}", remedy=CONVERT)
    header: dict[str, None] = {}
    cells = frozenset(row)
    same = Counter[str]()
    for number, cell in enumerate(row):
        first = name = cell or f"Unnamed: {number}"
        while name in header or (same[first] and name in cells):
            same[first] += 1
            name = f"{first}.{same[first]}"
        header[name] = None
    columns.check(list(header), place)
    if twice := [column for column in columns.needed if same[column]]:
        raise CorpusError(f"{place}: the column {twice[0]!r} occurs twice", remedy="rename one of them")
    return list(header)


def _document(
    values: Mapping[str, str], header: Sequence[str], row: Sequence[str], file: str, number: int, columns: Columns
) -> Document:
    if len(row) != len(header):
        problem = f"the row has {len(row)} cells; the header has {len(header)}"
        return invalid_document(file, number, problem, ROW_REMEDY)
    if (byte := _not_utf8(row, header)) is not None:
        return invalid_document(file, number, byte, CONVERT)
    return make_document(values, file, number, columns)


def _not_utf8(row: Sequence[str], columns: Iterable[str | int]) -> str | None:
    """Return the error of the first byte that is not UTF-8, or ``None``. Errors of a column differ in numbers only."""
    for column, cell in zip(columns, row, strict=True):
        if not cell.isascii():
            try:
                cell.encode()
            except UnicodeEncodeError as exc:
                byte = f"0x{ord(cell[exc.start]) - 0xDC00:02x}"
                return f"byte {byte} at character {exc.start + 1:,} of the column {column!r} is not UTF-8"
    return None


def _entity_row(identifier: str | int, entity: Mapping[str, Any]) -> list[Any]:
    return [identifier, entity["text"], entity["label"], entity["start"], entity["end"]]
