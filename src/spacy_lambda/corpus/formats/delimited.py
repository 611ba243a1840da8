"""CSV and TSV, with a header; written with a row for each entity."""

from __future__ import annotations

import csv as csv_module
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from spacy_lambda.core.annotation import Document
from spacy_lambda.corpus.formats.documents import invalid_document, make_document
from spacy_lambda.corpus.formats.numbered_lines import MAX_BYTES, numbered_lines
from spacy_lambda.corpus.formats.registry import Columns, Lines, Source, Write
from spacy_lambda.errors import CorpusError

__all__ = ["Delimited", "csv", "tsv"]

ENTITY_COLUMNS = ("id", "text", "label", "start", "end")


@dataclass(frozen=True)
class Delimited:
    """A format of delimited cells.

    :param delimiter: What is between cells.
    """

    delimiter: str

    def read(self, stream: BinaryIO, file: str, columns: Columns) -> Iterator[Document]:
        """Yield a document for each row; its number is that of the line in which the row begins."""
        # A limit of the whole process; with less, a long text would be an error.
        csv_module.field_size_limit(max(MAX_BYTES, csv_module.field_size_limit()))
        rows = _Rows(csv_module.reader(_decoded(stream, file), delimiter=self.delimiter, strict=True), file)
        header: list[str] | None = None
        for number, row in rows:
            if header is None:
                header = _header(row, file)
                columns.check(header, f"{file}:1")
            elif isinstance(row, list):
                yield _document(dict(zip(header, row, strict=False)), header, row, file, number, columns)
            else:
                yield invalid_document(file, number, f"the row cannot be read: {row}", "correct the row")

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


class _Rows:
    """Rows, or the error of each, with the number of the line in which it begins; without blank lines.

    :raises CorpusError: In an iteration, if a cell is too long.
    """

    def __init__(self, reader: Any, file: str) -> None:
        self._reader, self._file = reader, file

    def __iter__(self) -> Iterator[tuple[int, list[str] | csv_module.Error]]:
        while True:
            number = self._reader.line_num + 1
            try:
                row = next(self._reader)
            except StopIteration:
                return
            except csv_module.Error as exc:
                if "field limit" in str(exc):  # all that follows may be in quotes
                    raise CorpusError(
                        f"{self._file}:{number}: a cell of this row has more than {MAX_BYTES:,} characters, the limit",
                        remedy="look for a quote that is not closed, or split the text",
                    ) from exc
                yield number, exc
            else:
                if row:
                    yield number, row


def _decoded(stream: BinaryIO, file: str) -> Iterator[str]:
    """Yield lines; bytes that are not UTF-8 are lone surrogates."""
    for number, line in numbered_lines(stream, file):
        if line is None:
            raise CorpusError(
                f"{file}:{number}: the line has more than {MAX_BYTES:,} bytes, the limit", remedy="split the file"
            )
        yield line.decode("utf-8", "surrogateescape")


def _header(row: list[str] | csv_module.Error, file: str) -> list[str]:
    """Return the names of the columns; those without a name, or with that of another, are named as pandas does.

    :raises CorpusError: If the line cannot be read.
    """
    if not isinstance(row, list):
        raise CorpusError(f"{file}:1: the header cannot be read: {row}", remedy="correct the first line")
    if (cell := _not_utf8(row)) is not None:
        raise CorpusError(f"{file}:1: {cell} is not UTF-8", remedy="convert the file to UTF-8")
    header: dict[str, None] = {}
    cells = frozenset(row)
    same = Counter[str]()
    for number, cell in enumerate(row):
        first = name = cell or f"Unnamed: {number}"
        while name in header or (same[first] and name in cells):
            same[first] += 1
            name = f"{first}.{same[first]}"
        header[name] = None
    return list(header)


def _document(
    values: Mapping[str, str], header: Sequence[str], row: Sequence[str], file: str, number: int, columns: Columns
) -> Document:
    if len(row) != len(header):
        problem = f"the row has {len(row)} cells; the header has {len(header)}"
        return invalid_document(file, number, problem, "correct the row, or quote cells that have the delimiter")
    if (cell := _not_utf8(row)) is not None:
        return invalid_document(file, number, f"{cell} is not UTF-8", "convert the file to UTF-8")
    return make_document(values, file, number, columns)


def _not_utf8(row: Sequence[str]) -> str | None:
    """Return a description of the first byte that is not UTF-8, or ``None``."""
    for cell in row:
        if not cell.isascii():
            try:
                cell.encode()
            except UnicodeEncodeError as exc:
                return f"byte 0x{ord(cell[exc.start]) - 0xDC00:02x} in {cell[: exc.start][-20:]!r}..."
    return None


def _entity_row(identifier: str | int, entity: Mapping[str, Any]) -> list[Any]:
    return [identifier, entity["text"], entity["label"], entity["start"], entity["end"]]
