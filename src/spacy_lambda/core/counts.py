"""Numbers of things, in words."""

from __future__ import annotations

import re

__all__ = ["count", "count_phrase"]

HEAD = re.compile(r"((?:\w+ )*?)(\w+s)\b(?!-)")
"""The words before the first plural noun of a phrase, and the noun."""

CLAUSE = re.compile(r"(?P<head>(?:(?!with)\w+ )+that) are\b")
"""A clause that is about the first noun."""


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: ``1 text``, ``1,200 texts``.

    :param plural: The noun's plural, unless it ends in ``s`` alone.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def count_phrase(number: int, phrase: str) -> str:
    """Return a number with a phrase that begins with a noun in the plural: ``1 file of other formats, left out``."""
    if number == 1 and (found := HEAD.match(phrase)) is not None:
        noun = found[2][:-3] + "y" if found[2].endswith("ies") else found[2][:-1]
        phrase = found[1] + noun + phrase[found.end() :]
        if (clause := CLAUSE.match(phrase)) is not None:
            phrase = f"{clause['head']} is{phrase[clause.end() :]}"
    return f"{number:,} {phrase}"
