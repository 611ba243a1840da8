"""Lines of tokens and tags -> rows, with the columns of tokens and of tags found by what they contain."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.tag_notations import notation_of, note_notation, pair_of_one_label
from spacy_lambda.conversion.formats.token_column import TokenColumn, token_column
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.conversion.tag_schemes import OUTSIDE, parse_tag
from spacy_lambda.core.counts import count
from spacy_lambda.errors import CorpusError

__all__ = ["TaggedRow", "begins_document", "escaped_token", "has_tags", "tagged_rows"]

NAME = r"(?:[ \t]+\((?P<%s>.*?)\)(?=[ \t]|$))?"
DOCUMENT = re.compile(
    rf"-DOCSTART-{NAME % 'id'}{NAME % 'group'}(?:[ \t].*)?|#[ ]?newdoc(?:[ ]+id[ ]*=[ ]*(?P<newdoc>.*))?"
)
"""The line that begins a document: CoNLL 2003's, with its identifier and its group in parentheses, or CoNLL-U's."""

COMMENT = re.compile(r"#[ ]*[\w.:-]+[ ]*=(?:[ ].*)?")
"""A comment of CoNLL-U, which has a key. Another line that begins with # is a token if it has the columns of one."""

HEADERS = frozenset(
    "token tokens word words text form ner tag tags ner_tag ner_tags label labels entity iob bio biluo bioes".split()
)
"""Names of columns."""
SPACES = re.compile(r"[ \t]+")
LABEL_STUDIO = re.compile(r"(\S+) (-X-) (_) (\S.*)")
"""A line of Label Studio's CONLL, whose labels may have spaces."""

SNIFFED = 500
"""Rows by which a format is recognized."""

MOST = 0.6
BEGIN = re.compile(r"\\*-DOCSTART-(?:\s.*)?", re.DOTALL)
"""A token that begins a document unless a backslash is before it, or one with backslashes."""

MARK = re.compile(r"\ufeff(?=\S)")
"""A byte order mark at the beginning of a line, as files have it that were joined."""

MAX_LABELS = 200
"""Labels that a column of tags without prefixes has at most."""


@dataclass(frozen=True)
class TaggedRow:
    """A line of a file of tokens.

    :param line: Its number.
    :param token: The token; ``None`` for a blank line and for one that begins a document.
    :param tags: Its tags, one for each level of nested spans.
    :param begins: Identifier of the document that begins here, which may be empty.
    :param group: Its group.
    """

    line: int
    token: str | None = None
    tags: tuple[str, ...] = ()
    begins: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class _Line:
    number: int
    text: str
    cells: tuple[str, ...] = ()
    begins: str | None = None
    group: str | None = None
    is_unclear: bool = False
    """True if it begins with # and is neither a token nor a comment as formats have them."""
    has_mark: bool = False

    def with_cell(self, column: int, value: str) -> _Line:
        cells = list(self.cells)
        cells[column] = value
        return replace(self, cells=tuple(cells))


def begins_document(token: str) -> bool:
    """Return whether a token would begin a document if it were written as it is, or has the escape of one."""
    return BEGIN.fullmatch(token) is not None


def escaped_token(token: str) -> str:
    """Return a token with a backslash before it if it would begin a document."""
    return f"\\{token}" if begins_document(token) else token


def has_tags(file: SourceFile) -> bool:
    """Return whether most lines of a file end, or begin, with a tag."""
    try:
        lines = _in_one_notation([line for line in _split_lines(file, limit=SNIFFED) if line.cells], file, None)
    except CorpusError:
        return False
    for column in (-1, 0):
        tags = [line.cells[column] for line in lines if len(line.cells) > 1]
        valid = [tag for tag in tags if parse_tag(tag) is not None]
        if len(valid) > MOST * len(lines) and any(tag != OUTSIDE for tag in valid):
            return True
        if len(tags) == len(lines) and OUTSIDE in tags and len(set(tags)) <= min(MAX_LABELS, len(lines)) // 2 + 1:
            return True
    return any(line.begins is not None for line in _split_lines(file, limit=SNIFFED))


def tagged_rows(file: SourceFile, reading: ReadingContext) -> list[TaggedRow]:
    """Return the rows of a file, and count what else it has.

    :raises CorpusError: If a line has no tag, with its number.
    """
    every = list(_split_lines(file))
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
    rows = [line for line in lines if line is not header]
    token = _token_column(rows, tags, file, reading)
    _note_others(filled, tags, header, file.name, reading)
    return _prefixed(_rows(rows, token, tags))


def _rows(lines: Sequence[_Line], token: TokenColumn, tags: Sequence[int]) -> Iterator[TaggedRow]:
    """Yield the rows, with a blank one between sentences that only their identifiers separate."""
    last: str | None = None
    for line in lines:
        if not line.cells:
            yield TaggedRow(line.number, begins=line.begins, group=line.group)
            continue
        name = None if token.sentences is None else line.cells[token.sentences]
        if last not in (None, name):
            yield TaggedRow(line.number)
        last = name
        form = line.cells[token.index]
        form = form[1:] if begins_document(form) else form
        yield TaggedRow(line.number, form, tuple(line.cells[column] for column in tags))


def _in_one_notation(lines: list[_Line], file: SourceFile, reading: ReadingContext | None) -> list[_Line]:
    """Return the lines with their tags as ``B-LABEL``, if all of them have another notation.

    :param reading: For the label of tags without a type, and to count the file.
    """
    filled = [line for line in lines if line.cells]
    widths = {len(line.cells) for line in filled}
    if len(widths) != 1 or widths == {1}:
        return lines
    for column in (-1, 0) if widths == {2} else (-1,):
        tags = [line.cells[column] for line in filled]
        notation, header = notation_of(tags), None
        if notation is None and len(tags) > 1:
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


def _token_column(
    lines: Sequence[_Line], tags: Sequence[int], file: SourceFile, reading: ReadingContext
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
    lines: Sequence[_Line], tags: tuple[int, ...], header: _Line | None, file: str, reading: ReadingContext
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


def _split_lines(file: SourceFile, *, limit: int | None = None) -> Iterator[_Line]:
    """Yield the lines, split at tabs if the file has them in most lines, without comments."""
    lines = [line for line, _ in zip(file.lines(), range(limit or len(file.text) + 1), strict=False)]
    marked = {number for number, text in lines if MARK.match(text)}
    lines = [(number, text[1:] if number in marked else text) for number, text in lines]
    filled = [text for _, text in lines if text.strip()]
    has_tabs = 2 * sum("\t" in text for text in filled) > len(filled)
    is_token = _token_check([text for text in filled if not text.startswith("#")], has_tabs=has_tabs)
    for number, text in lines:
        found = DOCUMENT.fullmatch(text)
        if found is not None:
            name = found["id"] or found["newdoc"] or ""
            yield _Line(number, text, (), name, found["group"], has_mark=number in marked)
        elif not text.strip():
            yield _Line(number, text)
        elif not text.startswith("#") or is_token(text):
            yield _Line(number, text, _cells(text, has_tabs=has_tabs), has_mark=number in marked)
        elif not text[1:2].isspace() and COMMENT.fullmatch(text) is None:
            yield _Line(number, text, is_unclear=True)


def _cells(text: str, *, has_tabs: bool) -> tuple[str, ...]:
    if has_tabs:
        return tuple(text.split("\t"))
    found = LABEL_STUDIO.fullmatch(text)
    return found.groups() if found is not None else tuple(SPACES.split(text.strip(" \t")))


def _token_check(others: Sequence[str], *, has_tabs: bool) -> Callable[[str], bool]:
    """Return a function that returns whether a line that begins with # is a token, by the columns of other lines."""
    rows = [_cells(text, has_tabs=has_tabs) for text in others if DOCUMENT.fullmatch(text) is None]
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
    valid = [[cells[column] for cells in rows if parse_tag(cells[column]) is not None] for column in (-1, 0)]
    has_prefixes = any(len(tags) > MOST * len(rows) and {*tags} != {OUTSIDE} for tags in valid)

    def is_token(text: str) -> bool:
        cells = _cells(text, has_tabs=has_tabs)
        if len(cells) == 1 or (rows and len(cells) != width):
            return False
        if not has_tabs and COMMENT.fullmatch(text) is not None:
            return False
        return has_tabs or not has_prefixes or any(parse_tag(cells[column]) is not None for column in (-1, 0))

    return is_token


def _tag_columns(lines: Sequence[_Line], file: str) -> tuple[tuple[int, ...], _Line | None]:
    """Return the columns of tags, and the header, if there is one."""
    width = Counter(len(line.cells) for line in lines).most_common(1)[0][0]
    for line in lines:
        if len(line.cells) != width or width == 1:
            problem = f"the line has {count(len(line.cells), 'column')}; most lines have {width}"
            raise CorpusError(
                f"{file}:{line.number}: {problem if width > 1 else 'the line has no tag'}: {line.text[:80]!r}",
                remedy="separate tokens and tags by tabs, so that both may contain spaces; remove what is no token",
            )
    valid = [column for column in range(width) if _is_valid(lines[1:] or lines, column)]
    header = lines[0] if len(lines) > 1 and valid and _is_header(lines, valid[-1]) else None
    if width - 1 in valid:
        rows = [line for line in lines if line is not header]
        nested = width > 3 and width - 2 in valid and token_column([[line.cells for line in rows]], 2).index == 1
        return ((width - 2, width - 1) if nested else (width - 1,)), header
    if 0 in valid and width == 2:
        return (0,), header
    _check_tags(lines, file, width - 1)
    return (width - 1,), None


def _is_header(lines: Sequence[_Line], column: int) -> bool:
    """Return whether the first line has a name in place of a tag, rather than the only label of a file of labels."""
    name = lines[0].cells[column]
    has_prefixes = any(line.cells[column] != OUTSIDE for line in lines[1:])
    return parse_tag(name) is None and (has_prefixes or name.strip().lower() in HEADERS)


def _is_valid(lines: Sequence[_Line], column: int) -> bool:
    return all(parse_tag(line.cells[column]) is not None for line in lines)


def _check_tags(lines: Sequence[_Line], file: str, column: int) -> None:
    """Refuse a column unless it has labels without prefixes.

    :raises CorpusError: If some tags have a prefix and others do not, or if none is outside.
    """
    tags = [line.cells[column] for line in lines]
    has_prefix = any(tag != OUTSIDE and parse_tag(tag) is not None for tag in tags)
    if OUTSIDE in tags and not has_prefix and len(set(tags)) <= MAX_LABELS:
        _check_pairs(lines, file, column)
        return
    invalid = next(line for line in lines if parse_tag(line.cells[column]) is None)
    raise CorpusError(
        f"{file}:{invalid.number}: {invalid.cells[column][:80]!r} is not a tag, such as O, B-LABEL or I-LABEL",
        remedy="correct the line; tags of one file have one scheme, BIO or BILUO",
    )


def _check_pairs(lines: Sequence[_Line], file: str, column: int) -> None:
    """Refuse labels that are rather tags in a notation that is not known.

    :raises CorpusError: If two of them differ only in B and I.
    """
    if (pair := pair_of_one_label(line.cells[column] for line in lines)) is None:
        return
    found = next(line for line in lines if line.cells[column] in pair)
    raise CorpusError(
        f"{file}:{found.number}: the labels {pair[0][:80]!r} and {pair[1][:80]!r} differ only in B and I",
        remedy="write the tags as B-LABEL and I-LABEL, or rename one of the labels",
    )


def _prefixed(rows: Iterable[TaggedRow]) -> list[TaggedRow]:
    """Return rows with ``I-`` before each label, if no tag has a prefix."""
    every = list(rows)
    if all(parse_tag(tag) is not None for row in every for tag in row.tags):
        return every
    return [replace(row, tags=tuple(tag if tag == OUTSIDE else f"I-{tag}" for tag in row.tags)) for row in every]
