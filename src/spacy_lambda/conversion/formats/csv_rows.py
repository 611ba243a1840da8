"""A file of CSV -> its header and its rows, each with its line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError

__all__ = ["CsvHeader", "csv_header", "csv_rows", "forced_header"]

DELIMITERS = (",", ";", "\t", "|")

SEPARATOR = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[,;\t|]*(?:\r\n|\n|\r|$)', re.IGNORECASE)
"""The first line by which Excel knows the delimiter."""

MAX_HEADER = 100_000
"""Maximum characters of a header."""

MAX_CELL = 32 << 20
ROW_NUMBERS = "Unnamed: "
"""The beginning of the name that pandas gives to a column without one, such as its row numbers."""


@dataclass(frozen=True)
class CsvHeader:
    """The names of the columns, and how they are separated.

    :param names: The names.
    :param delimiter: The character between cells.
    :param line: The line of the header: 2 after one that names the delimiter.
    :param begin: The character at which it begins.
    :param has_quotes: False if quotes are characters like others.
    """

    names: tuple[str, ...]
    delimiter: str
    line: int = 1
    begin: int = 0
    has_quotes: bool = True

    def index(self, choices: Sequence[str]) -> int | None:
        """Return the column of the first name that the table has, whatever its case and what is between its words."""
        names = [re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_") for name in self.names]
        return next((names.index(one) for one in choices if one in names), None)

    def others(self, read: Sequence[int | None]) -> list[str]:
        """Return the names of the columns that are not read, except columns of row numbers."""
        names = (name.strip() for column, name in enumerate(self.names) if column not in read)
        return [name for name in names if name and not name.startswith(ROW_NUMBERS)]


def csv_header(file: SourceFile, is_known: Callable[[CsvHeader], bool]) -> CsvHeader | None:
    """Return the header of a file, with the delimiter by which it has the columns that are needed.

    :param is_known: Returns whether a header has them.
    """
    return next((one for one in _headers(file) if is_known(one)), None)


def forced_header(file: SourceFile) -> CsvHeader:
    """Return the header of a file that lacks the columns that are needed, so that an error names those that it has."""
    return max(_headers(file), key=lambda one: len(one.names))


def _headers(file: SourceFile) -> Iterator[CsvHeader]:
    stated = SEPARATOR.match(file.text)
    begin, line = (0, 1) if stated is None else (stated.end(), 2)
    head = file.text[begin : begin + MAX_HEADER]
    for delimiter in DELIMITERS if stated is None else [stated["delimiter"]]:
        try:
            names = next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), [])
        except (csv.Error, TypeError, ValueError):  # not every character can be a delimiter
            names = []
        yield CsvHeader(tuple(names), delimiter, line, begin)


def csv_rows(file: SourceFile, header: CsvHeader) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows below the header with the line in which each begins; a blank line has no cells.

    :raises CorpusError: If a row cannot be read, or has not as many cells as the header.
    """
    csv.field_size_limit(max(MAX_CELL, csv.field_size_limit()))
    text = io.StringIO(file.text[header.begin :], newline="")
    reader = csv.reader(
        text,
        delimiter=header.delimiter,
        quoting=csv.QUOTE_MINIMAL if header.has_quotes else csv.QUOTE_NONE,
        strict=True,
    )
    is_header = True
    while True:
        line = reader.line_num + header.line
        try:
            cells = next(reader, None)
        except csv.Error as exc:
            raise CorpusError(
                f"{file.name}:{line}: the row cannot be read: {exc}",
                remedy="put cells that have quotes, delimiters or line breaks in quotes, and write such quotes twice",
            ) from exc
        if cells is None:
            return
        if is_header:
            is_header = False
            continue
        if cells and len(cells) != len(header.names):
            raise CorpusError(
                f"{file.name}:{line}: the row has {len(cells)} cells; the header has {len(header.names)}",
                remedy="put cells that have delimiters in quotes",
            )
        yield line, cells
