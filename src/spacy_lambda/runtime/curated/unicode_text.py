"""Text in Unicode's normal forms, without accents, and split at punctuation, in linear time."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Literal

__all__ = ["NormalForm", "normalize", "split_at_punctuation", "without_accents"]

NormalForm = Literal["NFC", "NFD", "NFKC", "NFKD"]

MAX_BUILTIN_LENGTH = 256
"""Characters up to which Python's own normalization is fast enough on any text."""

ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


def normalize(form: NormalForm, text: str) -> str:
    """Return a text in a normal form.

    Python sorts combining characters by insertion: a long run of them would take the square of its length. A long text
    therefore comes to it decomposed and sorted.
    """
    return unicodedata.normalize(form, text if len(text) <= MAX_BUILTIN_LENGTH else _decompose(form, text))


def _decompose(form: NormalForm, text: str) -> str:
    decomposed = "".join(unicodedata.normalize("NFKD" if "K" in form else "NFD", char) for char in text)
    runs = groupby(decomposed, lambda char: unicodedata.combining(char) != 0)
    return "".join(
        char for is_combining, run in runs for char in (sorted(run, key=unicodedata.combining) if is_combining else run)
    )


def without_accents(text: str) -> str:
    """Return a text decomposed, without its nonspacing marks."""
    if text.isascii():
        return text
    return "".join(char for char in normalize("NFD", text) if unicodedata.category(char) != "Mn")


def split_at_punctuation(text: str) -> Iterator[str]:
    """Yield each punctuation character, and the runs between them."""
    if text.isalnum():
        yield text
        return
    for is_punctuation, run in groupby(text, _is_punctuation):
        if is_punctuation:
            yield from run
        else:
            yield "".join(run)


def _is_punctuation(char: str) -> bool:
    return char in ASCII_PUNCTUATION or unicodedata.category(char).startswith("P")
