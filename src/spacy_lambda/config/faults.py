"""One fault of a project's file, and the words for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any, NamedTuple

__all__ = ["Complaint", "Fault", "dotted", "kind", "nearest", "shown"]

Complaint = tuple[str, str]
"""What is wrong with a value, to be read after its key, and the remedy."""

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
SHOWN = 60
KINDS = (
    (bool, "a boolean"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "a string"),
    (list, "a list"),
    (dict, "a table"),
    ((date, datetime, time), "a date or time"),
)


class Fault(NamedTuple):
    """What is wrong, and what to do.

    :param where: The key, as ``functions.ner.memory``, or the line.
    :param what: To be read after it: the actual value, and the limit.
    :param remedy: What to write instead.
    """

    where: str
    what: str
    remedy: str


def dotted(*keys: str) -> str:
    """Keys as TOML writes them: ``functions."my function".memory``."""
    return ".".join(key if BARE_KEY.fullmatch(key) else _quoted(key) for key in keys)


def shown(value: Any) -> str:
    """A value, as short as a message needs it; of a list or a table only what it is."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int) and value.bit_length() > 64:
        return "an integer of more than 64 bits"
    return str(value) if isinstance(value, int | float) else kind(value)


def kind(value: Any) -> str:
    """What a value is."""
    return next((name for types, name in KINDS if isinstance(value, types)), "something else")


def nearest(word: str, known: Iterable[str], what: str) -> str:
    """A remedy: what is like it, or else all that is known.

    :param what: What the known ones are.
    """
    near = get_close_matches(word[:SHOWN], list(known), n=1)
    return f'did you mean "{near[0]}"?' if near else f"known {what}: {', '.join(known)}"


def _quoted(text: str) -> str:
    text = text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
    return '"' + repr(text)[1:-1].replace('"', '\\"') + '"'
