"""The searches for prefixes, suffixes and URLs of spaCy's tokenizer, with the same matches in less time.

The tokenizer splits off one prefix and one suffix at a time, and searches for each in the whole rest: ``"=" * 16000``
takes half a minute. Its expressions are anchored, prefixes with ``^`` and suffixes with ``$``, so that only the ends of
the text matter; the expressions themselves determine how much of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Search", "anchored_prefix_search", "anchored_suffix_search", "linear_url_match"]

Search = Callable[[str], "re.Match[str] | None"]

REFERENCE = re.compile(r"\\[1-9]|\(\?P=|\(\?\(")
"""Assertions of one part of an expression about another part's match."""

USER = r"(?:\S+(?::\S*)?@)?"
"""Part of spaCy's expression for URLs: the user and the password."""

PARSER: Any = vars(re)["_parser"]
"""Python's parser of expressions, which has no public name."""

MAX_WIDTH = 1024
"""Characters of a suffix; expressions with wider ones are left as they are."""


def anchored_prefix_search(search: Any) -> Search | None:
    """Return the same search, which does not read beyond the text's beginning.

    :param search: ``Pattern.search``; the result is ``None`` for anything else, and for expressions without ``^``.
    """
    pattern = _pattern(search)
    if pattern is None or not _all_begin(_parse(pattern), pattern):
        return None
    return pattern.match


def anchored_suffix_search(search: Any) -> Search | None:
    """Return the same search, which begins where the widest suffix can begin.

    Of suffixes without a greatest width, such as ``\\.\\.+``, only runs of one character are known here. A run that
    reaches back over the place at which the search begins also matches at that place; then it is searched again from
    further back.

    :param search: ``Pattern.search``; the result is ``None`` for anything else, and for expressions without ``$``.
    """
    pattern = _pattern(search)
    width = None if pattern is None else _widest(_parse(pattern), pattern)
    if pattern is None or width is None:
        return None
    search_from = pattern.search

    def find(text: str) -> re.Match[str] | None:
        window = width
        while True:
            start = len(text) - window
            if start <= 0:
                return search_from(text)
            found = search_from(text, start)
            if found is None or found.start() > start:
                return found
            window *= 8

    return find


def linear_url_match(match: Any) -> Search | None:
    """Return the same match of spaCy's own expression for URLs, which tries every colon before every ``@``.

    Before the ``@``, ``\\S+(?::\\S*)?``, is what ``\\S+`` matches; and only whether there is a match counts.

    :param match: ``Pattern.match``; the result is ``None`` for anything else, and for other expressions.
    """
    pattern = getattr(match, "__self__", None)
    if not isinstance(pattern, re.Pattern) or match != pattern.match or pattern.pattern.count(USER) != 1:
        return None
    return re.compile(pattern.pattern.replace(USER, r"(?:\S+@)?"), pattern.flags).match


def _pattern(search: Any) -> re.Pattern[str] | None:
    pattern = getattr(search, "__self__", None)
    return pattern if isinstance(pattern, re.Pattern) and search == pattern.search else None


def _parse(pattern: re.Pattern[str]) -> Any:
    return PARSER.parse(pattern.pattern, pattern.flags & ~re.DEBUG)


def _all_begin(tree: Any, pattern: re.Pattern[str]) -> bool:
    """Return whether the expression matches at the beginning only; alternatives have lost their common beginning."""
    anchored = len(tree) > 0 and _is(tree[0], "AT", "AT_BEGINNING")
    return anchored and not pattern.flags & re.MULTILINE


def _widest(tree: Any, pattern: re.Pattern[str]) -> int | None:
    """Return the offset from the end at which the search can begin; ``None`` if unknown."""
    if pattern.flags & re.MULTILINE or REFERENCE.search(pattern.pattern):
        return None
    branches: Sequence[Any] = [tree]
    if len(tree) == 1 and _is(tree[0], "BRANCH"):
        branches = tree[0][1][1]
    widths = [_width(branch) for branch in branches]
    known = [width for width in widths if width is not None]
    # One more, because "$" matches before a newline at the end too, and one that does not match.
    return max(known) + 2 if len(known) == len(widths) else None


def _width(branch: Any) -> int | None:
    if not len(branch) or not _is(branch[-1], "AT", "AT_END"):
        return None
    least, greatest = branch.getwidth()
    if greatest <= MAX_WIDTH:
        return int(greatest)
    return int(least) if _is_run([branch[index] for index in range(len(branch) - 1)]) else None


def _is_run(items: Sequence[Any]) -> bool:
    """Return whether this is a run of one character, of a minimum length: ``\\.\\.+``."""
    characters = set()
    for index, (name, value) in enumerate(items):
        if str(name) == "MAX_REPEAT" and index == len(items) - 1:
            (item,) = value[2] if len(value[2]) == 1 else (None,)
            characters.add(item if item and str(item[0]) == "LITERAL" else None)
        else:
            characters.add((name, value) if str(name) == "LITERAL" else None)
    return len(characters) == 1 and None not in characters


def _is(item: Any, name: str, value: str | None = None) -> bool:
    return str(item[0]) == name and (value is None or str(item[1]) == value)
