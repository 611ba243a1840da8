"""A batch that fails -> smaller ones, down to the text at fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from spacy_lambda.client.batching import Batch
from spacy_lambda.client.call_errors import failed_text, renumbered
from spacy_lambda.client.transport import CallError

__all__ = ["BatchResult", "predict_batch"]


@dataclass
class BatchResult:
    """The result of a batch.

    :param pairs: Texts and their predictions, in order: all of them, or those before the error.
    :param error: The error that ended it.
    """

    pairs: list[tuple[str, Any]] = field(default_factory=list)
    error: Exception | None = None


def predict_batch(batch: Batch, send: Callable[[Sequence[str]], list[Any]]) -> BatchResult:
    """Send a batch in as many requests as it takes.

    A batch that is too large, takes too long or breaks the function is bisected, the front half first. So the first
    text that fails for its own reason is found, and the texts after it are not sent.

    :param send: Sends one request.
    """
    result, left = BatchResult(), [batch]
    while left:
        part = left.pop()
        try:
            result.pairs += zip(part.texts, send(part.texts), strict=True)
        except CallError as failed:
            parts = _parts(part, failed)
            if not parts:
                result.error = _error(part, failed)
                break
            left += reversed(parts)
        except Exception as exc:  # a bug; raised in the thread that takes the predictions
            result.error = exc
            break
    return result


def _parts(batch: Batch, failed: CallError) -> tuple[Batch, ...]:
    number = failed_text(failed.error)
    if number is not None:
        return batch.cut(number) if 0 < number < len(batch.texts) else ()
    return batch.cut(len(batch.texts) // 2) if failed.splittable and len(batch.texts) > 1 else ()


def _error(batch: Batch, failed: CallError) -> Exception:
    number = failed_text(failed.error)
    if number is None and not (failed.splittable and len(batch.texts) == 1):
        error: Exception = failed.error
    else:
        error = renumbered(failed.error, number or 0, batch.start + (number or 0))
    error.__cause__ = failed.__cause__
    return error
