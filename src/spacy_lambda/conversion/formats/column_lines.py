"""Lines of a file of columns -> cells, without comments and with the lines that begin documents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.conversion.tag_schemes import OUTSIDE, parse_tag

__all__ = ["MOST", "ColumnLine", "begins_document", "column_lines", "escaped_token"]

NAME = r"(?:[ \t]+\((?P<%s>.*?)\)(?=[ \t]|$))?"
DOCUMENT = re.compile(
    rf"-DOCSTART-{NAME % 'id'}{NAME % 'group'}(?:[ \t].*)?|#[ ]?newdoc(?:[ ]+id[ ]*=[ ]*(?P<newdoc>.*))?"
)
"""The line that begins a document: CoNLL 2003's, with its identifier and its group in parentheses, or CoNLL-U's."""

COMMENT = re.compile(r"#[ ]*[\w.:-]+[ ]*=(?:[ ].*)?")
"""A comment of CoNLL-U, which has a key. Another line that begins with # is a token if it has the columns of one."""

SPACES = re.compile(r"[ \t]+")
LABEL_STUDIO = re.compile(r"(\S+) (-X-) (_) (\S.*)")
"""A line of Label Studio's CONLL, whose labels may have spaces."""

BEGIN = re.compile(r"\\*-DOCSTART-(?:\s.*)?", re.DOTALL)
"""A token that begins a document unless a backslash is before it, or one with backslashes."""

MARK = re.compile(r"\ufeff(?=\S)")
"""A byte order mark at the beginning of a line, as files have it that were joined."""

MOST = 0.6
"""Share of lines by which a property is the file's."""


@dataclass(frozen=True)
class ColumnLine:
    """A line.

    :param number: Its number.
    :param text: Its text.
    :param cells: Its cells; none for a blank line, and for one that begins a document.
    :param begins: Identifier of the document that begins here, which may be empty.
    :param group: Its group.
    :param is_unclear: True if it begins with # and is neither a token nor a comment as formats have them.
    :param has_mark: True if it began with a byte order mark.
    """

    number: int
    text: str
    cells: tuple[str, ...] = ()
    begins: str | None = None
    group: str | None = None
    is_unclear: bool = False
    has_mark: bool = False

    def with_cell(self, column: int, value: str) -> ColumnLine:
        """Return the line with another value in a column."""
        cells = list(self.cells)
        cells[column] = value
        return replace(self, cells=tuple(cells))


def begins_document(token: str) -> bool:
    """Return whether a token would begin a document if it were written as it is, or has the escape of one."""
    return BEGIN.fullmatch(token) is not None


def escaped_token(token: str) -> str:
    """Return a token with a backslash before it if it would begin a document, and without byte order marks before it.

    These are not read at the beginning of a line.
    """
    token = token.lstrip("\ufeff") or token
    return f"\\{token}" if begins_document(token) else token


def column_lines(file: SourceFile, *, limit: int | None = None) -> Iterator[ColumnLine]:
    """Yield the lines, split at tabs if the file has them in most lines, without comments.

    :param limit: Maximum lines.
    """
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
            yield ColumnLine(number, text, (), name, found["group"], has_mark=number in marked)
        elif not text.strip():
            yield ColumnLine(number, text)
        elif not text.startswith("#") or is_token(text):
            yield ColumnLine(number, text, _cells(text, has_tabs=has_tabs), has_mark=number in marked)
        elif not text[1:2].isspace() and COMMENT.fullmatch(text) is None:
            yield ColumnLine(number, text, is_unclear=True)


def _cells(text: str, *, has_tabs: bool) -> tuple[str, ...]:
    if has_tabs:
        return tuple(map(str.strip, text.split("\t")))
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
