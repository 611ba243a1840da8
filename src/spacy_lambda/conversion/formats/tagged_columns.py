"""Lines of tokens and tags -> rows, with the columns of tokens and of tags found by what they contain."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.conversion.tag_schemes import OUTSIDE, parse_tag
from spacy_lambda.errors import CorpusError

__all__ = ["TaggedRow", "has_tags", "tagged_rows"]

DOCUMENT = re.compile(
    r"-DOCSTART-(?:[ \t]+\((?P<id>.*?)\)(?=[ \t]|$))?.*|#[ ]?newdoc(?:[ ]+id[ ]*=[ ]*(?P<newdoc>.*))?"
)
SPACES = re.compile(r"[ \t]+")
SNIFFED = 500
"""Rows by which a format is recognized."""

MOST = 0.6
MAX_LABELS = 200
"""Labels that a column of tags without prefixes has at most."""


@dataclass(frozen=True)
class TaggedRow:
    """A line of a file of tokens.

    :param line: Its number.
    :param token: The token; ``None`` for a blank line and for one that begins a document.
    :param tags: Its tags, one for each level of nested spans.
    :param begins: Identifier of the document that begins here, which may be empty.
    """

    line: int
    token: str | None = None
    tags: tuple[str, ...] = ()
    begins: str | None = None


@dataclass(frozen=True)
class _Line:
    number: int
    text: str
    cells: tuple[str, ...] = ()
    begins: str | None = None


def has_tags(file: SourceFile) -> bool:
    """Return whether most lines of a file end, or begin, with a tag."""
    try:
        lines = [line for line in _split_lines(file, limit=SNIFFED) if line.cells]
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


def tagged_rows(file: SourceFile) -> list[TaggedRow]:
    """Return the rows of a file.

    :raises CorpusError: If a line has no tag, with its number.
    """
    lines = list(_split_lines(file))
    filled = [line for line in lines if line.cells]
    if not filled:
        raise CorpusError(f"{file.name}:1: the file has no tokens", remedy="export the annotations again")
    token, tags, header = _columns(filled, file.name)
    rows = []
    for line in lines:
        if not line.cells:
            rows.append(TaggedRow(line.number, begins=line.begins))
        elif line is not header:
            rows.append(TaggedRow(line.number, line.cells[token], tuple(line.cells[column] for column in tags)))
    return _prefixed(rows)


def _split_lines(file: SourceFile, *, limit: int | None = None) -> Iterator[_Line]:
    """Yield the lines, split at tabs if the file has them in most lines, without comments."""
    lines = [line for line, _ in zip(file.lines(), range(limit or len(file.text) + 1), strict=False)]
    filled = [text for _, text in lines if text.strip()]
    has_tabs = 2 * sum("\t" in text for text in filled) > len(filled)
    for number, text in lines:
        found = DOCUMENT.fullmatch(text)
        if found is not None:
            yield _Line(number, text, begins=found["id"] or found["newdoc"] or "")
        elif not text.strip():
            yield _Line(number, text)
        else:
            cells = tuple(text.split("\t")) if has_tabs else tuple(SPACES.split(text.strip(" \t")))
            if not (text.startswith("#") and (len(cells) == 1 or parse_tag(cells[-1]) is None)):
                yield _Line(number, text, cells)


def _columns(lines: Sequence[_Line], file: str) -> tuple[int, tuple[int, ...], _Line | None]:
    """Return the columns of tokens and of tags, and the header, if there is one."""
    width = Counter(len(line.cells) for line in lines).most_common(1)[0][0]
    for line in lines:
        if len(line.cells) != width or width == 1:
            problem = f"the line has {len(line.cells)} columns; most lines have {width}"
            raise CorpusError(
                f"{file}:{line.number}: {problem if width > 1 else 'the line has no tag'}: {line.text[:80]!r}",
                remedy="separate tokens and tags by tabs, so that both may contain spaces; remove what is no token",
            )
    valid = [column for column in range(width) if _is_valid(lines[1:] or lines, column)]
    header = lines[0] if len(lines) > 1 and valid and parse_tag(lines[0].cells[valid[-1]]) is None else None
    has_numbers = width > 2 and _are_numbers([line.cells[0] for line in lines if line is not header])
    if width - 1 in valid:
        nested = has_numbers and width - 2 in valid and width > 3
        return int(has_numbers), ((width - 2, width - 1) if nested else (width - 1,)), header
    if 0 in valid and width == 2:
        return 1, (0,), header
    _check_tags(lines, file, width - 1)
    return int(has_numbers), (width - 1,), None


def _are_numbers(cells: Sequence[str]) -> bool:
    """Return whether a column has the numbers of the tokens in each sentence."""
    if not all(cell.isdecimal() for cell in cells) or len(cells) < 2:
        return False
    numbers = [int(cell) for cell in cells]
    return numbers[0] < 2 and all(number in (0, 1, last + 1) for last, number in pairwise(numbers)) and max(numbers) > 1


def _is_valid(lines: Sequence[_Line], column: int) -> bool:
    return all(parse_tag(line.cells[column]) is not None for line in lines)


def _check_tags(lines: Sequence[_Line], file: str, column: int) -> None:
    """Refuse a column unless it has labels without prefixes.

    :raises CorpusError: If some tags have a prefix and others do not, or if none is outside.
    """
    tags = [line.cells[column] for line in lines]
    has_prefix = any(tag != OUTSIDE and parse_tag(tag) is not None for tag in tags)
    if OUTSIDE in tags and not has_prefix and len(set(tags)) <= MAX_LABELS:
        return
    invalid = next(line for line in lines if parse_tag(line.cells[column]) is None)
    raise CorpusError(
        f"{file}:{invalid.number}: {invalid.cells[column][:80]!r} is not a tag, such as O, B-LABEL or I-LABEL",
        remedy="correct the line; tags of one file have one scheme, BIO or BILUO",
    )


def _prefixed(rows: Iterable[TaggedRow]) -> list[TaggedRow]:
    """Return rows with ``I-`` before each label, if no tag has a prefix."""
    every = list(rows)
    if all(parse_tag(tag) is not None for row in every for tag in row.tags):
        return every
    return [
        TaggedRow(row.line, row.token, tuple(tag if tag == OUTSIDE else f"I-{tag}" for tag in row.tags), row.begins)
        for row in every
    ]
