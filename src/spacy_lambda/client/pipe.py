"""Many texts -> their results, in order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from operator import length_hint
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from spacy_lambda.client.batching import Batch, BatchLimits, batches
from spacy_lambda.client.bisection import BatchResult, predict_batch
from spacy_lambda.client.call_errors import CHECK, renumbered
from spacy_lambda.client.parallel import RunningCalls, pipe_batches
from spacy_lambda.client.predict_options import PredictOptions
from spacy_lambda.client.progress_bar import Progress, progress_of
from spacy_lambda.client.retry import Retry
from spacy_lambda.client.text_result import ErrorHandler, OnError, TextResult, error_handler
from spacy_lambda.client.text_source import TextSource
from spacy_lambda.client.transport import Transport
from spacy_lambda.core.counts import count
from spacy_lambda.core.progress import OnStep
from spacy_lambda.core.request_options import LongText
from spacy_lambda.errors import InvokeError

if TYPE_CHECKING:
    from spacy.vocab import Vocab

__all__ = ["DocPipe", "PipeOptions", "PredictionPipe", "TextPipe"]

STEP = "predicting"
"""The step whose progress is reported."""


class PipeOptions(TypedDict, total=False):
    """Options of every pipe."""

    long_text: LongText
    batch_size: int
    batch_chars: int
    progress: Progress


class PredictionPipe(PipeOptions, total=False):
    """Options of a pipe that yields predictions."""

    include: Sequence[str] | None
    as_docs: Literal[False]


class DocPipe(PipeOptions, total=False):
    """Options of a pipe that yields Docs."""

    vocab: Vocab | None


@dataclass(frozen=True, kw_only=True)
class TextPipe:
    """Predicts many texts, several batches at once.

    :param transport: The way to the function.
    :param retry: The number of attempts, and the backoff between them.
    :param timeout_s: Seconds for each request.
    :param concurrency: Maximum concurrent requests.
    :param options: The options of each request.
    :param limits: Maximum size of a request.
    :param convert: Makes the value to yield of a text and its prediction; may raise :class:`InvokeError`.
    :param on_error: Treatment of a text that fails.
    :param progress: A bar, none, or a function that receives the number of texts that are done.
    """

    transport: Transport
    retry: Retry
    timeout_s: float
    concurrency: int
    options: PredictOptions
    limits: BatchLimits
    convert: Callable[[str, Any], Any]
    on_error: OnError
    progress: Progress

    def run(self, texts: Iterable[Any], *, as_tuples: bool) -> Generator[Any, None, None]:
        """Return an iterator of the texts' values; nothing is read before the first is requested.

        :param as_tuples: Read pairs of a text and its context, and yield pairs of a value and this context.
        :raises InvokeError: If ``on_error`` is invalid.
        :raises MissingExtraError: If a bar is requested and rich is not installed.
        """
        return self._run(texts, as_tuples, error_handler(self.on_error), progress_of(self.progress))

    def _run(
        self,
        texts: Iterable[Any],
        as_tuples: bool,
        on_error: ErrorHandler,
        progress: Callable[[], AbstractContextManager[OnStep]],
    ) -> Generator[Any, None, None]:
        source = TextSource(texts, as_tuples=as_tuples)
        done, expected = 0, length_hint(texts) if self.progress else 0
        with progress() as on_step, closing(self._results(source)) as results:
            for done, result in enumerate(results, start=1):
                value = self._value(result, on_error)
                on_step(STEP, done, max(expected, source.read))
                yield (value, source.next_context()) if as_tuples else value
            if done < expected:
                on_step(STEP, done, done)

    def _results(self, source: TextSource) -> Generator[TextResult, None, None]:
        calls, keep_going = RunningCalls(self.timeout_s), self.on_error != "raise"
        found = batches(source, self.limits, self.transport.cost, keep_going=keep_going)

        def predict(batch: Batch) -> BatchResult:
            return predict_batch(batch, lambda texts: self._send(texts, calls), keep_going=keep_going)

        results = pipe_batches(found, predict, concurrency=self.concurrency)
        try:
            yield from results
        finally:
            calls.stop()
            results.close()

    def _send(self, texts: Sequence[str], calls: RunningCalls) -> list[Any]:
        """Send one request; a failure that fewer texts may avoid is not retried with as many."""
        body = self.options.body(texts=texts)
        with calls.one() as deadline:
            predictions = self.retry.run(
                lambda: calls.unless_stopped(lambda: self.transport.predict(body)),
                deadline=deadline,
                may_repeat=lambda failed: not (failed.splittable and len(texts) > 1),
            )
        if not isinstance(predictions, list) or len(predictions) != len(texts):
            raise InvokeError(
                f"the function did not return one prediction for each of {count(len(texts), 'text')}", remedy=CHECK
            )
        for prediction in predictions:
            self.options.check(prediction)
        return predictions

    def _value(self, result: TextResult, on_error: ErrorHandler) -> Any:
        if result.error is not None:
            return on_error(result.text, result.error)
        try:
            return self.convert(result.text, result.prediction)
        except InvokeError as exc:
            error = renumbered(exc, 0, result.number)
            if self.on_error == "raise":
                raise error from exc.__cause__
        return on_error(result.text, error)
