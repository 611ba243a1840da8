"""A file of delimited cells -> its rows with their lines, split by the delimiter of its header."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, BinaryIO

from spacy_lambda.corpus.formats.numbered_lines import MAX_BYTES, numbered_lines
from spacy_lambda.corpus.formats.registry import Columns
from spacy_lambda.errors import CorpusError

__all__ = ["numbered_rows"]

DELIMITERS = (",", ";", "\t", "|")

HEADER_LINES = 100
"""Maximum lines of a header, whose cells may have line breaks."""

QUOTE_REMEDY = (
    "close it, and write quotes within a cell twice; if none of the quotes encloses a cell: --from tsv-unquoted"
)


def numbered_rows(
    stream: BinaryIO, file: str, columns: Columns, *, delimiter: str, quoted: bool
) -> Iterator[tuple[int, list[str] | str]]:
    """Yield rows, or the reason why a row cannot be read, with the line in which each begins; without blank lines.

    Bytes that are not UTF-8 are lone surrogates.

    :param delimiter: The format's.
    :param quoted: ``False`` if quotes are part of the texts.
    :raises CorpusError: If a cell is too long, or if it is unknown where a row ends.
    """
    lines = _decoded(stream, file)
    start = _to_header(lines)
    yield from _Rows(chain(start, lines), file, delimiter=_found_delimiter(start, delimiter, columns), quoted=quoted)


class _Rows:
    """Rows, or the error of each, with the number of the line in which it begins; without blank lines.

    :raises CorpusError: In an iteration, if a cell is too long, or if it is unknown where the row ends, so that rows
        after it would be part of it.
    """

    def __init__(self, lines: Iterable[str], file: str, *, delimiter: str, quoted: bool) -> None:
        self._file, self._delimiter, self._quoted = file, delimiter, quoted
        self._row = list[str]()
        # A limit of the whole process; with less, a long text would be an error.
        csv.field_size_limit(max(MAX_BYTES, csv.field_size_limit()))
        self._reader: Any = csv.reader(
            self._kept(lines),
            delimiter=delimiter,
            quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
            strict=True,
        )

    def _kept(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield lines, and keep the lines of the row that is read."""
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
            except csv.Error as exc:
                yield number, self._reason(exc, number)
            else:
                if row:
                    yield number, row

    def _reason(self, error: csv.Error, number: int) -> str:
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
        return next(filter(None, csv.reader(header, delimiter=delimiter)), [])
    except csv.Error:
        return []


def _decoded(stream: BinaryIO, file: str) -> Iterator[str]:
    """Yield lines; bytes that are not UTF-8 are lone surrogates."""
    for number, line in numbered_lines(stream, file):
        if line is None:
            raise CorpusError(
                f"{file}:{number}: the line has more than {MAX_BYTES:,} bytes, the limit", remedy="split the file"
            )
        yield line.decode("utf-8", "surrogateescape")
