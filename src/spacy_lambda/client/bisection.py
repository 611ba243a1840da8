"""A batch that fails -> smaller ones, down to the text at fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from spacy_lambda.client.batching import Batch
from spacy_lambda.client.call_errors import failed_text, renumbered
from spacy_lambda.client.text_result import TextResult, detached
from spacy_lambda.client.transport import CallError
from spacy_lambda.errors import RequestError

__all__ = ["PROBE", "BatchResult", "predict_batch"]

PROBE = "Test."
"""A text that every working function predicts."""

Send = Callable[[Sequence[str]], list[Any]]


@dataclass(frozen=True)
class BatchResult:
    """The result of a batch.

    :param results: Results of its texts, in order: of all of them, or of those before the error.
    :param error: The error that ended it.
    """

    results: Sequence[TextResult]
    error: Exception | None = None


def predict_batch(batch: Batch, send: Send, *, keep_going: bool = False) -> BatchResult:
    """Send a batch in as many requests as it takes.

    A batch that is too large, takes too long or breaks the function is bisected, the front half first. So the first
    text that fails for its own reason is found. Unless ``keep_going``, the texts after it are not sent.

    :param send: Sends one request.
    :param keep_going: Give each text that fails for its own reason a result with its error, and go on. A text that
        breaks the function does so for its own reason only if the function then predicts :data:`PROBE`.
    """
    results, left = list(batch.rejected), [batch] if batch.texts else []
    while left:
        part = left.pop()
        try:
            found, smaller = _predict(part, send, keep_going=keep_going)
        except Exception as exc:  # an error of the whole, or a bug; raised in the thread that takes the predictions
            before = [result for result in results if result.number < part.numbers[0]]
            return BatchResult(_in_order(before), exc)
        results += found
        left += reversed(smaller)
    return BatchResult(_in_order(results))


def _in_order(results: Sequence[TextResult]) -> Sequence[TextResult]:
    return sorted(results, key=lambda result: result.number)


def _predict(part: Batch, send: Send, *, keep_going: bool) -> tuple[Sequence[TextResult], Sequence[Batch]]:
    """Send one request, and return its results, or else the smaller batches to send in its place.

    :raises SpacyLambdaError: If there are neither.
    """
    try:
        predictions = send(part.texts)
    except CallError as failed:
        smaller = _smaller(part, failed, apart=keep_going)
        return ((), smaller) if smaller else ((_failed(part, failed, send, keep_going=keep_going),), ())
    return [TextResult(*each) for each in zip(part.numbers, part.texts, predictions, strict=True)], ()


def _smaller(part: Batch, failed: CallError, *, apart: bool) -> Sequence[Batch]:
    """Return the batches into which a batch is split; none if that cannot help.

    A text that is named is sent again, as limits of a whole request name one too, which may pass in a smaller one.

    :param apart: Send it alone, so that its error is about nothing else.
    """
    number, count = failed_text(failed.error), len(part.texts)
    if number is None:
        places = [count // 2] if failed.splittable else []
    else:
        places = [number, number + 1] if apart else [number]
    parts = part.cut(*(place for place in places if place < count))
    return parts if len(parts) > 1 else ()


def _failed(part: Batch, failed: CallError, send: Send, *, keep_going: bool) -> TextResult:
    """Return the result of a text that fails for its own reason.

    :raises SpacyLambdaError: If there is no such text, or unless ``keep_going``.
    """
    number = failed_text(failed.error)
    if number is None and failed.splittable and len(part.texts) == 1:
        number = 0
    if number is None:
        raise failed.error from failed.__cause__
    error = renumbered(failed.error, number, part.numbers[0] + number)
    if not keep_going or number > 0:  # the number of a text that was not sent
        raise error from failed.__cause__
    if not isinstance(error, RequestError):
        _probe(send)
    return TextResult(part.numbers[0], part.texts[0], error=detached(error))


def _probe(send: Send) -> None:
    """Raise the error of a function that fails for any text."""
    try:
        send((PROBE,))
    except CallError as failed:
        raise failed.error from failed.__cause__
