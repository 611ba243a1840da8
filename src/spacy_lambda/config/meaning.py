"""Strings of a project's file that a template would not take for themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spacy_lambda.config.faults import Fault, dotted
from spacy_lambda.config.literal_text import LINES, complaint, key_complaint

__all__ = ["meaning_faults"]

REMEDY = "write another value: this one would not be what the template says"
KEY_REMEDY = "choose another name"


def meaning_faults(where: str, value: Any, *, lines: bool = False) -> Iterator[Fault]:
    """Faults of a value, and of all that is in it.

    :param lines: Whether a string may have several lines.
    """
    if isinstance(value, str):
        what = complaint(value, allowed=LINES if lines else "")
        if what is not None:
            yield Fault(where, what, REMEDY)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from meaning_faults(f"{where}[{number}]", one, lines=lines)
    elif isinstance(value, dict):
        for key, one in value.items():
            what = key_complaint(key)
            if what is not None:
                yield Fault(f"{where}.{dotted(key)}", what, KEY_REMEDY)
            yield from meaning_faults(f"{where}.{dotted(key)}", one, lines=lines)
