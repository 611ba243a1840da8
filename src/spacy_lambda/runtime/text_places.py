"""Places in a request's text, where the pipeline's tokenizer has made a Doc of another text.

spaCy's rule-based tokenizer keeps every character. Others do not: that of Korean makes one space of several and of a
line's end, and custom ones lower letters. Offsets are promised into the text that was sent, so those of such a Doc are
translated: characters other than whitespace correspond in both texts, one by one. Letters may have another case and
other accents, and what is no letter of an alphabet, such as a digit, may be another character.
"""

from __future__ import annotations

import unicodedata
from functools import cached_property
from itertools import accumulate
from typing import Any

from spacy_lambda.errors import PipelineError, shorten

__all__ = ["in_text"]

TEXT_KEYS = ("text", "word")


def in_text(prediction: Any, doc_text: str, text: str) -> Any:
    """Return the prediction of a Doc with its places in the text that it was made of.

    :param prediction: See :func:`.doc_values.doc_prediction`.
    :param doc_text: The Doc's text.
    :raises PipelineError: If there are places, and the texts differ in more than whitespace and the form of letters.
    """
    if text.startswith(doc_text) or doc_text == f"{text} ":
        return prediction
    translation = _Translation(doc_text, text)
    if isinstance(prediction, list):
        return translation.items(prediction)
    return {part: _part(part, found, translation) for part, found in prediction.items()}


def _part(part: str, found: Any, translation: _Translation) -> Any:
    if part == "cats":
        return found
    if part == "spans":
        return {key: translation.items(group) for key, group in found.items()}
    return translation.items(found)


class _Translation:
    """Offsets into a Doc's text -> offsets into the text that it was made of.

    :param doc_text: The Doc's text.
    :param text: The other text.
    """

    def __init__(self, doc_text: str, text: str) -> None:
        self._doc_text, self._text = doc_text, text
        self._counts = list(accumulate((not char.isspace() for char in doc_text), initial=0))
        self._places = [place for place, char in enumerate(text) if not char.isspace()]

    def items(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return items with their places in the text, and what stands there."""
        if found and not self._fits:
            raise PipelineError(
                f"the tokenizer made the text {shorten(self._doc_text)!r} of {shorten(self._text)!r}: its entities have"
                " no places in what was sent",
                remedy="correct the tokenizer to keep every character but whitespace, and change texts before they are"
                " sent",
            )
        return [self._item(item) for item in found]

    @cached_property
    def _fits(self) -> bool:
        """Return whether the characters correspond; a tokenizer may leave out a text's end."""
        kept, sent = "".join(self._doc_text.split()), "".join(self._text.split())
        pairs = [(one, other) for one, other in zip(kept, sent, strict=False) if one != other]
        if len(kept) == len(sent):
            return all(_letter(one) == _letter(other) or not (_cased(one) or _cased(other)) for one, other in pairs)
        return len(kept) < len(sent) and all(_cased(one) and _letter(one) == _letter(other) for one, other in pairs)

    def _item(self, item: dict[str, Any]) -> dict[str, Any]:
        start, end = self._bounds(self._counts[item["start"]], self._counts[item["end"]])
        return {**item, **{key: self._text[start:end] for key in TEXT_KEYS if key in item}, "start": start, "end": end}

    def _bounds(self, first: int, last: int) -> tuple[int, int]:
        """Return the place of the characters from ``first`` to before ``last``, without whitespace."""
        if first < last:
            return self._places[first], self._places[last - 1] + 1
        start = self._places[first - 1] + 1 if first else 0
        return start, self._places[first] if first < len(self._places) else len(self._text)


def _cased(char: str) -> bool:
    """Return whether a character is a letter of an alphabet with upper and lower case."""
    return char.lower() != char.upper()


def _letter(char: str) -> str:
    """Return a letter without its case and accents: ``LATIN L`` for ``L`` and ``ł``."""
    plain = unicodedata.normalize("NFKD", char)[0]
    words = unicodedata.name(plain, plain).partition(" WITH ")[0].split()
    return f"{words[0]} {words[-1]}"
