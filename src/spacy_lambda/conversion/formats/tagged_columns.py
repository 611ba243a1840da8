"""Lines of columns -> rows, with the columns of tokens and of tags found by what they contain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from spacy_lambda.conversion.formats.column_lines import MOST, ColumnLine, begins_document, column_lines
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.standard_tags import (
    MAX_LABELS,
    check_clear,
    check_labels,
    first_places,
    with_prefix,
)
from spacy_lambda.conversion.formats.tag_notations import is_like_tag, notation_of, note_notation
from spacy_lambda.conversion.formats.tagged_rows import TaggedRow
from spacy_lambda.conversion.formats.token_column import TokenColumn, token_column
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.conversion.tag_schemes import OUTSIDE, parse_tag
from spacy_lambda.core.counts import count
from spacy_lambda.errors import CorpusError

__all__ = ["has_tags", "tagged_rows"]

HEADERS = frozenset(
    "token tokens word words text form ner tag tags ner_tag ner_tags label labels entity iob bio biluo bioes".split()
)
"""Names of columns."""

SNIFFED = 500
"""Rows by which a format is recognized."""


def has_tags(file: SourceFile) -> bool:
    """Return whether most lines of a file end, or begin, with a tag."""
    try:
        lines = _in_one_notation([line for line in column_lines(file, limit=SNIFFED) if line.cells], file, None)
    except CorpusError:
        return False
    for column in (-1, 0):
        tags = [line.cells[column] for line in lines if len(line.cells) > 1]
        valid = [tag for tag in tags if parse_tag(tag) is not None]
        if len(valid) > MOST * len(lines) and any(tag != OUTSIDE for tag in valid):
            return True
        if len(tags) == len(lines) and OUTSIDE in tags and len(set(tags)) <= min(MAX_LABELS, len(lines)) // 2 + 1:
            return True
    return any(line.begins is not None for line in column_lines(file, limit=SNIFFED))


def tagged_rows(file: SourceFile, reading: ReadingContext) -> list[TaggedRow]:
    """Return the rows of a file, and count what else it has.

    :raises CorpusError: If a line has no tag, with its number.
    """
    every = list(column_lines(file))
    for line in every:
        place = f"{file.name}:{line.number}"
        if line.is_unclear:
            reading.account.note("lines with # at the beginning and without a tag, left out", place)
        if line.has_mark:
            reading.account.note("byte order marks inside of files, left out", place)
    lines = _in_one_notation([line for line in every if not line.is_unclear], file, reading)
    filled = [line for line in lines if line.cells]
    if not filled:
        raise CorpusError(f"{file.name}:1: the file has no tokens", remedy="export the annotations again")
    tags, header = _tag_columns(filled, file.name)
    for column in tags:
        check_clear(_places([line for line in filled if line is not header], file.name, column))
    rows = [line for line in lines if line is not header]
    token = _token_column(rows, tags, file, reading)
    _note_others(filled, tags, header, file.name, reading)
    return _prefixed(_rows(rows, token, tags))


def _rows(lines: Sequence[ColumnLine], token: TokenColumn, tags: Sequence[int]) -> Iterator[TaggedRow]:
    """Yield the rows, with a blank one between sentences that only their identifiers separate."""
    last: str | None = None
    for line in lines:
        if not line.cells:
            yield TaggedRow(line.number, begins=line.begins, group=line.group)
            continue
        name = "" if token.sentences is None else line.cells[token.sentences].strip()
        if name and last not in (None, name):
            yield TaggedRow(line.number)
        last = name or last
        form = line.cells[token.index]
        form = form[1:] if begins_document(form) else form
        yield TaggedRow(line.number, form, tuple(line.cells[column] for column in tags))


def _in_one_notation(lines: list[ColumnLine], file: SourceFile, reading: ReadingContext | None) -> list[ColumnLine]:
    """Return the lines with their tags as ``B-LABEL``, if all of them have another notation.

    :param reading: For the label of tags without a type, and to count the file.
    """
    filled = [line for line in lines if line.cells]
    widths = {len(line.cells) for line in filled}
    if len(widths) != 1 or widths == {1}:
        return lines
    for column in (-1, 0) if widths == {2} and _may_begin_with_tags(filled) else (-1,):
        tags = [line.cells[column] for line in filled]
        notation, header = notation_of(tags), None
        if notation is None and _may_be_names(filled, column):
            notation, header = notation_of(tags[1:]), filled[0]
        if notation is None:
            continue
        label = "" if reading is None else note_notation(notation, f"{file.name}:{filled[0].number}", reading)
        return [
            line
            if line is header or not line.cells
            else line.with_cell(column, notation.standard(line.cells[column], label or "LABEL"))
            for line in lines
        ]
    return lines


def _may_be_names(lines: Sequence[ColumnLine], column: int) -> bool:
    """Return whether a first line may have the names of columns, above tags in another notation."""
    name = lines[0].cells[column].strip().lower()
    has_others = len(lines) > 2 and any(map(str.isalpha, name)) and not is_like_tag(lines[0].cells[column])
    return name in HEADERS or has_others


def _may_begin_with_tags(lines: Sequence[ColumnLine]) -> bool:
    """Return whether the first of two columns may have the tags: some are outside, and the last column has none."""
    first = {line.cells[0] for line in lines}
    return bool(first & {OUTSIDE, OUTSIDE.lower()}) and not _is_valid(lines[1:] or lines, -1)


def _token_column(
    lines: Sequence[ColumnLine], tags: Sequence[int], file: SourceFile, reading: ReadingContext
) -> TokenColumn:
    if tags == (0,):
        return TokenColumn(1)
    parts = groupby(lines, key=lambda line: bool(line.cells))
    sentences = [[line.cells for line in part] for has_cells, part in parts if has_cells]
    found = token_column(sentences, tags[0])
    if not found.is_certain:
        first = next(line for line in lines if line.cells)
        detail = f"column {found.index + 1} is the token, as in {first.cells[found.index][:40]!r}"
        message = "files with several columns that may be the token"
        reading.account.note(message, f"{file.name}:{first.number}", detail=detail)
    return found


def _note_others(
    lines: Sequence[ColumnLine], tags: tuple[int, ...], header: ColumnLine | None, file: str, reading: ReadingContext
) -> None:
    """Count a first line that has no tag, unless it names the columns, and tags in other columns."""
    if header is not None and header.cells[tags[-1]].strip().lower() not in HEADERS:
        reading.account.note(
            "first lines without a tag, taken for names of columns", f"{file}:{header.number}", detail=header.text[:80]
        )
    rows = [line for line in lines if line is not header]
    for column in range(len(rows[0].cells)):
        if column not in tags and _is_valid(rows, column) and any(line.cells[column] != OUTSIDE for line in rows):
            detail = f"column {column + 1}"
            place = f"{file}:{rows[0].number}"
            reading.account.note("columns of tags besides the last, not converted", place, detail=detail)


def _tag_columns(lines: Sequence[ColumnLine], file: str) -> tuple[tuple[int, ...], ColumnLine | None]:
    """Return the columns of tags, and the header, if there is one.

    Tags are in the last column, or in the last two if they are nested; in the first of two columns; or they are labels
    without prefixes, in the last column.
    """
    width = _common_width(lines, file)
    valid = [column for column in range(width) if _is_valid(lines[1:] or lines, column)]
    header = lines[0] if len(lines) > 1 and valid and _is_header(lines, valid[-1]) else None
    if width - 1 in valid:
        rows = [line for line in lines if line is not header]
        if not _is_valid(rows, width - 1):
            check_labels(_places(rows, file, width - 1))
        nested = width > 3 and width - 2 in valid and token_column([[line.cells for line in rows]], 2).index == 1
        return ((width - 2, width - 1) if nested else (width - 1,)), header
    if 0 in valid and width == 2:
        if header is None and not _is_valid(lines, 0):
            check_labels(_places(lines, file, 0))
        return (0,), header
    # No column has tags throughout: a header is recognized by its names alone.
    names = [cell.strip().lower() in HEADERS for cell in lines[0].cells]
    header = lines[0] if len(lines) > 1 and names[-1] and any(names[:-1]) else None
    check_labels(_places([line for line in lines if line is not header], file, width - 1))
    return (width - 1,), header


def _common_width(lines: Sequence[ColumnLine], file: str) -> int:
    """Return the number of columns, which all lines must have; one is of tokens."""
    width = Counter(len(line.cells) for line in lines).most_common(1)[0][0]
    for line in lines:
        if len(line.cells) != width or width == 1:
            problem = f"the line has {count(len(line.cells), 'column')}; most lines have {width}"
            raise CorpusError(
                f"{file}:{line.number}: {problem if width > 1 else 'the line has no tag'}: {line.text[:80]!r}",
                remedy="separate tokens and tags by tabs, so that both may contain spaces; remove what is no token",
            )
    return width


def _is_header(lines: Sequence[ColumnLine], column: int) -> bool:
    """Return whether the first line has a name in place of a tag, rather than the only label of a file of labels."""
    name = lines[0].cells[column]
    has_prefixes = any(line.cells[column] != OUTSIDE for line in lines[1:])
    return name.strip().lower() in HEADERS or (has_prefixes and not is_like_tag(name))


def _is_valid(lines: Sequence[ColumnLine], column: int) -> bool:
    return all(parse_tag(line.cells[column]) is not None for line in lines)


def _places(lines: Sequence[ColumnLine], file: str, column: int) -> dict[str, str]:
    return first_places((line.cells[column], f"{file}:{line.number}") for line in lines)


def _prefixed(rows: Iterable[TaggedRow]) -> list[TaggedRow]:
    """Return rows with ``I-`` before each label, if no tag has a prefix."""
    every = list(rows)
    if all(parse_tag(tag) is not None for row in every for tag in row.tags):
        return every
    return [replace(row, tags=tuple(map(with_prefix, row.tags))) for row in every]
