"""Faults of ``spacy-lambda.toml``, and the words for its keys and values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, time
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar

from spacy_lambda.errors import shorten

__all__ = ["Fault", "Problem", "describe", "kind", "nearest", "toml_key", "typed_value"]

T = TypeVar("T")

Problem = tuple[str, str]
"""Problem of a value, to be read after its key, and the remedy."""

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
MAX_SHOWN = 60
MAX_BITS = 64
KINDS = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a float"),
    (str, "a string"),
    (list, "an array"),
    (dict, "a table"),
    ((date, time), "a date or time"),
)


class Fault(NamedTuple):
    """One fault of a file.

    :param key: As in ``functions.ner.memory``; the flag or variable that set the value; or the line.
    :param problem: To be read after the key: the actual value, and the limit.
    :param remedy: The value to write instead.
    """

    key: str
    problem: str
    remedy: str


def toml_key(*path: str | int) -> str:
    """Return a key as TOML writes it, with indexes in brackets: ``functions."my function".cors[0]``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{_toml_name(part)}" for part in path)
    return "".join(parts).removeprefix(".")


def _toml_name(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _quoted(name)


def describe(value: Any) -> str:
    """Return a value, shortened; for an array, a table or a date, its type."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return f"an integer of more than {MAX_BITS} bits"
    return str(value) if isinstance(value, int | float) else kind(value)


def kind(value: Any) -> str:
    """Return the name of a value's TOML type, with its article."""
    return next((name for types, name in KINDS if isinstance(value, types)), "an unknown type")


def nearest(word: str, known: Iterable[str], kinds: str) -> str:
    """Return a remedy for a misspelling: the most similar known word, else all of them.

    :param kinds: The plural noun for them.
    """
    near = get_close_matches(word[:MAX_SHOWN], list(known), n=1)
    return f'did you mean "{near[0]}"?' if near else f"known {kinds}: {', '.join(known)}"


def typed_value(table: Any, key: str, expected: type[T]) -> T:
    """Return a value of a table that is not validated yet; an empty one if there is none of that type."""
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, expected) else expected()


def _quoted(text: str) -> str:
    return '"' + repr(shorten(text, MAX_SHOWN))[1:-1].replace('"', '\\"') + '"'
