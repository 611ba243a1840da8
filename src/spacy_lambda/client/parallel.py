"""Several batches at once, their results in order; and the calls that are running for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

from spacy_lambda.client.batching import Batch
from spacy_lambda.client.bisection import BatchResult
from spacy_lambda.client.deadline import Deadline
from spacy_lambda.client.text_result import TextResult
from spacy_lambda.client.transport import CallError
from spacy_lambda.errors import InvokeError

__all__ = ["LOOK_AHEAD", "RunningCalls", "pipe_batches"]

LOOK_AHEAD = 2
"""Maximum batches for each thread that are running or done, and not yet taken."""

T = TypeVar("T")


def pipe_batches(
    batches: Iterator[Batch], predict: Callable[[Batch], BatchResult], *, concurrency: int
) -> Generator[TextResult, None, None]:
    """Predict batches in threads.

    Batches are taken as results are, so that the source may be endless. When it fails, or a batch does, the results
    before are yielded first.

    :param predict: Called in a thread.
    :param concurrency: Number of threads.
    """
    executor = ThreadPoolExecutor(concurrency, thread_name_prefix="spacy-lambda-client")
    waiting: deque[Future[BatchResult]] = deque()
    error: Exception | None = None
    more = True
    try:
        while True:
            while more and len(waiting) < LOOK_AHEAD * concurrency:
                try:
                    waiting.append(executor.submit(predict, next(batches)))
                except StopIteration:
                    more = False
                except Exception as exc:  # any error of the user's iterable
                    more, error = False, exc
            if not waiting:
                break
            result = waiting.popleft().result()
            yield from result.results
            if result.error is not None:
                raise result.error
        if error is not None:
            raise error
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


class RunningCalls:
    """Running calls, each with its deadline, which can be ended together.

    :param seconds: For each call.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._running: set[Deadline] = set()
        self._stopped = False

    @contextmanager
    def one(self) -> Iterator[Deadline]:
        """Register a call in this thread."""
        deadline = Deadline(self._seconds)
        with self._lock:
            self._running.add(deadline)
            if self._stopped:
                deadline.end()
        try:
            with deadline.running():
                yield deadline
        finally:
            with self._lock:
                self._running.discard(deadline)

    def unless_stopped(self, call: Callable[[], T]) -> T:
        """Make a call, unless :meth:`stop` was called.

        :raises CallError: If it was.
        """
        if self._stopped:
            raise CallError(
                InvokeError(
                    "the pipe was closed before its results were read", remedy="read its results before closing it"
                )
            )
        return call()

    def stop(self) -> None:
        """End the running calls, and begin no more."""
        with self._lock:
            self._stopped = True
            for deadline in self._running:
                deadline.end()
