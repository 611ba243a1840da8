"""A batch that fails -> smaller ones, down to the text at fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from spacy_lambda.client.batching import Batch
from spacy_lambda.client.call_errors import CallFailed, named, text_at_fault

__all__ = ["Answered", "answer_batch"]


@dataclass
class Answered:
    """What came of a batch.

    :param pairs: Texts and their answers, in order: all of them, or those before the error.
    :param error: Why there are no more.
    """

    pairs: list[tuple[str, Any]] = field(default_factory=list)
    error: Exception | None = None


def answer_batch(batch: Batch, ask: Callable[[Sequence[str]], list[Any]]) -> Answered:
    """Answer a batch in as many requests as it takes.

    What is too large, takes too long or breaks the function is halved at once, the front half first: so the first text
    that fails for its own reason is found, and what comes after it is not asked.

    :param ask: One request.
    """
    answered, left = Answered(), [batch]
    while left:
        part = left.pop()
        try:
            answered.pairs += zip(part.texts, ask(part.texts), strict=True)
        except CallFailed as failed:
            parts = _parts(part, failed)
            if not parts:
                answered.error = _error(part, failed)
                break
            left += reversed(parts)
        except Exception as exc:  # a fault of ours; told by the thread that asks
            answered.error = exc
            break
    return answered


def _parts(batch: Batch, failed: CallFailed) -> tuple[Batch, ...]:
    place = text_at_fault(failed.error)
    if place is not None:
        return batch.cut(place) if 0 < place < len(batch.texts) else ()
    return batch.cut(len(batch.texts) // 2) if failed.smaller and len(batch.texts) > 1 else ()


def _error(batch: Batch, failed: CallFailed) -> Exception:
    place = text_at_fault(failed.error)
    if place is None and not (failed.smaller and len(batch.texts) == 1):
        error: Exception = failed.error
    else:
        error = named(failed.error, place or 0, batch.start + (place or 0))
    error.__cause__ = failed.__cause__
    return error
