"""Texts -> batches, each within Lambda's limit for one request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

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
    """Texts of one request.

    :param start: The number of the first one among all texts.
    :param texts: At least one.
    """

    start: int
    texts: tuple[str, ...]

    def cut(self, at: int) -> tuple[Batch, Batch]:
        """Split into two batches, the second of which begins at this text."""
        return Batch(self.start, self.texts[:at]), Batch(self.start + at, self.texts[at:])


def batches(texts: Iterable[str], limits: BatchLimits, cost: Callable[[str], int]) -> Iterator[Batch]:
    """Group texts, taking at most one more than the next batch needs.

    When the source fails, or a text cannot be sent, the texts before it are yielded first.

    :param cost: Returns the bytes of a text in a request.
    :raises RequestError: If a text cannot be sent; contains its number.
    """
    start, held, chars, size = 0, list[str](), 0, 0
    try:
        for index, text in enumerate(texts):
            bytes_ = check_text(f"texts[{index}]", text, cost)
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
