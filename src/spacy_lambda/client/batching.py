"""Texts -> batches, each within Lambda's limit for one request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from spacy_lambda.client.text_result import TextError, TextResult, detached
from spacy_lambda.core.lambda_limits import REQUEST_BYTES
from spacy_lambda.errors import InvokeError, RequestError

__all__ = ["RESERVED_BYTES", "Batch", "BatchLimits", "batches", "check_text"]

RESERVED_BYTES = 32 * 1024
"""Bytes reserved for the rest of a request: other keys, and over HTTP the headers and the rest of the event."""


@dataclass(frozen=True, kw_only=True)
class BatchLimits:
    """Maximum size of one request. A text that exceeds it alone is sent alone.

    :param texts: Number of texts.
    :param chars: Characters of all texts.
    :param bytes: Bytes of all texts as they are sent.
    """

    texts: int = 32
    chars: int = 100_000
    bytes: int = REQUEST_BYTES - RESERVED_BYTES

    def __post_init__(self) -> None:
        if self.texts < 1 or self.chars < 1:
            raise InvokeError(
                f"batch_size is {self.texts} and batch_chars is {self.chars}; at least 1 is required of each",
                remedy="give a batch_size and batch_chars of at least 1",
            )


@dataclass(frozen=True)
class Batch:
    """Consecutive texts, those of one request and those that cannot be sent.

    :param numbers: The numbers among all texts of those to send.
    :param texts: These texts.
    :param rejected: Results of those that cannot be sent.
    """

    numbers: tuple[int, ...]
    texts: tuple[str, ...]
    rejected: tuple[TextResult, ...] = ()

    def part(self, start: int, end: int | None = None) -> Batch:
        """Return a smaller batch, of some of the texts to send."""
        return Batch(self.numbers[start:end], self.texts[start:end])

    def cut(self, *places: int) -> tuple[Batch, ...]:
        """Return smaller batches, split before these texts; none of them is empty."""
        bounds = sorted({0, *places, len(self.texts)})
        return tuple(self.part(start, end) for start, end in pairwise(bounds))


def batches(
    texts: Iterable[Any], limits: BatchLimits, cost: Callable[[str], int], *, keep_going: bool = False
) -> Iterator[Batch]:
    """Group texts, taking at most one more than the next batch needs.

    When the source fails, the texts before are yielded first.

    :param cost: Returns the bytes of a text in a request.
    :param keep_going: Put texts that cannot be sent into :attr:`Batch.rejected`.
    :raises RequestError: If a text cannot be sent, unless ``keep_going``; contains its number.
    """
    held = _HeldTexts(limits)
    try:
        for number, text in enumerate(texts):
            size, error = 0, None
            try:
                size = check_text(f"texts[{number}]", text, cost)
            except RequestError as exc:
                if not keep_going:
                    raise
                error = detached(exc)
            if not held.has_room(0 if error else len(text), size):
                yield held.take()
            held.add(number, text, size, error)
    except Exception:
        if held:
            yield held.take()
        raise
    if held:
        yield held.take()


class _HeldTexts:
    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self._chars = self._size = 0
        self._clear()

    def __bool__(self) -> bool:
        return bool(self._texts or self._rejected)

    def has_room(self, chars: int, size: int) -> bool:
        limits, held = self._limits, len(self._texts) + len(self._rejected)
        fits = held < limits.texts and self._chars + chars <= limits.chars and self._size + size <= limits.bytes
        return fits or held == 0

    def add(self, number: int, text: Any, size: int, error: TextError | None) -> None:
        if error is not None:
            self._rejected.append(TextResult(number, text, error=error))
            return
        self._numbers.append(number)
        self._texts.append(text)
        self._chars, self._size = self._chars + len(text), self._size + size

    def take(self) -> Batch:
        batch = Batch(tuple(self._numbers), tuple(self._texts), tuple(self._rejected))
        self._clear()
        return batch

    def _clear(self) -> None:
        self._numbers, self._texts, self._rejected = list[int](), list[str](), list[TextResult]()
        self._chars = self._size = 0


def check_text(key: str, text: Any, cost: Callable[[str], int]) -> int:
    """Return the bytes of a text in a request, with the comma after it.

    :param key: Its key in the request.
    :raises RequestError: If it cannot be sent.
    """
    if not isinstance(text, str):
        raise RequestError(f'"{key}" is of type {type(text).__name__}, not a string', remedy="send a string", key=key)
    try:
        size = cost(text) + 1
    except UnicodeEncodeError as exc:
        raise RequestError(
            f'"{key}" has a lone surrogate at character {text.index(exc.object[exc.start])}',
            remedy="send valid Unicode",
            key=key,
        ) from exc
    if size > REQUEST_BYTES - RESERVED_BYTES:
        raise RequestError(
            f'"{key}" takes {size:,} bytes; with the rest of the request, the limit is {REQUEST_BYTES:,}',
            remedy="split the text and send the parts",
            key=key,
            status=413,
        )
    return size
