"""CSV and TSV, with a header; written with a row for each entity."""

from __future__ import annotations

import csv as csv_module
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO

from spacy_lambda.core.annotation import Document
from spacy_lambda.corpus.formats.documents import CONVERT, invalid_document, make_document
from spacy_lambda.corpus.formats.numbered_lines import MAX_BYTES, numbered_lines
from spacy_lambda.corpus.formats.registry import Columns, Lines, Source, Write
from spacy_lambda.errors import CorpusError

__all__ = ["Delimited", "csv", "tsv", "tsv_unquoted"]

ENTITY_COLUMNS = ("id", "text", "label", "start", "end")

DELIMITERS = (",", ";", "\t", "|")

QUOTE_REMEDY = (
    "close it, and write quotes within a cell twice; if none of the quotes encloses a cell: --from tsv-unquoted"
)
ROW_REMEDY = "put cells that have quotes, delimiters or line breaks in quotes, and write quotes within them twice"

HEADER_LINES = 100
"""Maximum lines of a header, whose cells may have line breaks."""


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
        """Yield a document for each row; its number is that of the line in which the row begins."""
        # A limit of the whole process; with less, a long text would be an error.
        csv_module.field_size_limit(max(MAX_BYTES, csv_module.field_size_limit()))
        lines = _decoded(stream, file)
        start = _to_header(lines)
        delimiter = _found_delimiter(start, self.delimiter, columns)
        header: list[str] | None = None
        for number, row in _Rows(chain(start, lines), file, delimiter=delimiter, quoted=self.quoted):
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


class _Rows:
    """Rows, or the error of each, with the number of the line in which it begins; without blank lines.

    :raises CorpusError: In an iteration, if a cell is too long, or if it is unknown where the row ends, so that rows
        after it would be part of it.
    """

    def __init__(self, lines: Iterable[str], file: str, *, delimiter: str, quoted: bool) -> None:
        self._file, self._delimiter, self._quoted = file, delimiter, quoted
        self._row = list[str]()
        self._reader: Any = csv_module.reader(
            self._kept(lines),
            delimiter=delimiter,
            quoting=csv_module.QUOTE_MINIMAL if quoted else csv_module.QUOTE_NONE,
            strict=True,
        )

    def _kept(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield lines, and keep those of the row that is read."""
        for line in lines:
            self._row.append(line)
            yield line

    def __iter__(self) -> Iterator[tuple[int, list[str] | str]]:
        while True:
            number = self._reader.line_num + 1
            self._row.clear()
            try:
                row = next(self._reader)
            except StopIteration:
                return
            except csv_module.Error as exc:
                yield number, self._reason(exc, number)
            else:
                if row:
                    yield number, row

    def _reason(self, error: csv_module.Error, number: int) -> str:
        """Return the reason why a row that is one line cannot be read.

        :raises CorpusError: If the row may go on after it.
        """
        if "field limit" in str(error):  # all that follows may be in quotes
            raise CorpusError(
                f"{self._file}:{number}: a cell of this row has more than {MAX_BYTES:,} characters, the limit",
                remedy="look for a quote that is not closed, or split the text",
            ) from error
        row = "".join(self._row)
        if self._quoted and (len(self._row) > 1 or row.count('"') % 2):
            opened = number + row.count("\n", 0, _open_quote(row, self._delimiter))
            problem = "is never closed"
            if "unexpected end" not in str(error):
                last = number + len(self._row) - 1
                problem = f"is not closed: the next one, in line {last:,}, is not at the end of a cell"
            raise CorpusError(
                f"{self._file}:{opened}: the quote that opens a cell {problem}", remedy=QUOTE_REMEDY
            ) from error
        return "a carriage return that is not in quotes" if "new-line" in str(error) else str(error)


def _open_quote(row: str, delimiter: str) -> int:
    """Return the index of the first cell of a row after which there is no delimiter."""
    between = re.escape(delimiter)
    cells = re.match(rf'(?:(?:"(?:[^"]++|"")*+"|(?!")[^{between}\r\n]*+){between})*+', row)
    return 0 if cells is None else cells.end()


def _to_header(lines: Iterator[str]) -> list[str]:
    """Take lines up to the end of the header, without taking all of a file whose header has a quote too many."""
    taken, quotes = list[str](), 0
    for line in lines:
        taken.append(line)
        quotes += line.count('"')
        if (line.rstrip("\r\n") and quotes % 2 == 0) or len(taken) == HEADER_LINES:
            break
    return taken


def _found_delimiter(header: Sequence[str], own: str, columns: Columns) -> str:
    """Return the delimiter by which the header has the columns that are needed: the format's own, if it does.

    If none does, it is the one with the most cells, for the error.
    """
    cells = {one: _cells(header, one) for one in (own, *DELIMITERS)}
    complete = [one for one, names in cells.items() if columns.needed.keys() <= set(names)]
    return complete[0] if complete else max(cells, key=lambda one: len(cells[one]))


def _cells(header: Sequence[str], delimiter: str) -> list[str]:
    try:
        return next(filter(None, csv_module.reader(header, delimiter=delimiter)), [])
    except csv_module.Error:
        return []


def _decoded(stream: BinaryIO, file: str) -> Iterator[str]:
    """Yield lines; bytes that are not UTF-8 are lone surrogates."""
    for number, line in numbered_lines(stream, file):
        if line is None:
            raise CorpusError(
                f"{file}:{number}: the line has more than {MAX_BYTES:,} bytes, the limit", remedy="split the file"
            )
        yield line.decode("utf-8", "surrogateescape")


def _header(row: list[str] | str, place: str, columns: Columns) -> list[str]:
    """Return the names of the columns; those without a name, or with that of another, are named as pandas does.

    :raises CorpusError: If the line cannot be read, or one that is needed is missing or occurs twice.
    """
    if isinstance(row, str):
        raise CorpusError(f"{place}: the header cannot be read: {row}", remedy="correct the header")
    if (cell := _not_utf8(row)) is not None:
        raise CorpusError(f"{place}: {cell} is not UTF-8", remedy=CONVERT)
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
    if (cell := _not_utf8(row)) is not None:
        return invalid_document(file, number, f"{cell} is not UTF-8", CONVERT)
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
