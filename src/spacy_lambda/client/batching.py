"""Texts -> batches, each of which Lambda takes in one request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from spacy_lambda.core.lambda_limits import REQUEST_BYTES
from spacy_lambda.errors import InvokeError, RequestError

__all__ = ["ROOM", "Batch", "BatchLimits", "batches", "checked"]

ROOM = 32 * 1024
"""Bytes left for what is around the texts: other keys, and with HTTP the headers and the rest of the event."""


@dataclass(frozen=True, kw_only=True)
class BatchLimits:
    """How much goes into one request. A text that is over the limits alone goes alone.

    :param texts: Texts at most.
    :param chars: Characters at most.
    :param bytes: Bytes at most, of all texts as they are sent.
    """

    texts: int = 32
    chars: int = 100_000
    bytes: int = REQUEST_BYTES - ROOM

    def __post_init__(self) -> None:
        if self.texts < 1 or self.chars < 1:
            raise InvokeError(
                f"batches of {self.texts} texts and {self.chars} characters hold nothing",
                remedy="give a batch_size and batch_chars of at least 1",
            )


@dataclass(frozen=True)
class Batch:
    """Texts that go together.

    :param start: The number of the first one among all texts.
    :param texts: At least one.
    """

    start: int
    texts: tuple[str, ...]

    def cut(self, at: int) -> tuple[Batch, Batch]:
        """Two batches, the second of which begins at this text."""
        return Batch(self.start, self.texts[:at]), Batch(self.start + at, self.texts[at:])


def batches(texts: Iterable[str], limits: BatchLimits, cost: Callable[[str], int]) -> Iterator[Batch]:
    """Group texts, taking no more of them than the next batch needs, and one.

    Whatever goes wrong with the texts, those before come first.

    :param cost: Bytes that a text takes.
    :raises RequestError: When a text cannot be sent; names its number.
    """
    start, held, chars, size = 0, list[str](), 0, 0
    try:
        for index, text in enumerate(texts):
            bytes_ = checked(f"texts[{index}]", text, cost)
            full = len(held) == limits.texts or chars + len(text) > limits.chars or size + bytes_ > limits.bytes
            if held and full:
                yield Batch(start, tuple(held))
                start, held, chars, size = index, [], 0, 0
            held.append(text)
            chars, size = chars + len(text), size + bytes_
    except Exception:
        if held:
            yield Batch(start, tuple(held))
        raise
    if held:
        yield Batch(start, tuple(held))


def checked(key: str, text: Any, cost: Callable[[str], int]) -> int:
    """What a text costs, with the comma after it.

    :param key: Where in the request it is.
    :raises RequestError: When it cannot be sent.
    """
    if not isinstance(text, str):
        raise RequestError(f'"{key}" is of type {type(text).__name__}, not a string', remedy="send a string", key=key)
    try:
        size = cost(text) + 1
    except UnicodeEncodeError as exc:
        raise RequestError(
            f'"{key}" has half of a surrogate pair at character {text.index(exc.object[exc.start])}',
            remedy="give valid Unicode",
            key=key,
        ) from exc
    if size > REQUEST_BYTES - ROOM:
        raise RequestError(
            f'"{key}" takes {size:,} bytes; with all that is around it, Lambda takes {REQUEST_BYTES:,}',
            remedy="split the text and send the parts",
            key=key,
            status=413,
        )
    return size
