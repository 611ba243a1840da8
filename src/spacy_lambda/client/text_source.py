"""The texts of a pipe, as its caller gives them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from spacy_lambda.errors import RequestError

__all__ = ["TextSource"]


class TextSource:
    """Texts, or pairs of a text and its context.

    :param items: The texts or pairs.
    :param as_tuples: ``True`` for pairs. Their contexts stay here until they are taken.
    """

    def __init__(self, items: Iterable[Any], *, as_tuples: bool) -> None:
        self.read = 0
        """The number of texts that have been read."""
        self._items = items
        self._as_tuples = as_tuples
        self._contexts = deque[Any]()

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            text = self._text(item) if self._as_tuples else item
            self.read += 1
            yield text

    def next_context(self) -> Any:
        """Take the first context that is left."""
        return self._contexts.popleft()

    def _text(self, pair: Any) -> Any:
        fields: Any = () if isinstance(pair, str | bytes) else pair  # "ab" would be a and b
        try:
            text, context = fields
        except (TypeError, ValueError) as exc:
            key = f"texts[{self.read}]"
            raise RequestError(
                f'"{key}" is of type {type(pair).__name__}, not a pair of a text and its context',
                remedy="give pairs, or leave as_tuples out",
                key=key,
            ) from exc
        self._contexts.append(context)
        return text
