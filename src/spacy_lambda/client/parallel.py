"""Several batches at once, their answers in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from spacy_lambda.client.batching import Batch
from spacy_lambda.client.bisection import Answered

__all__ = ["LOOK_AHEAD", "pipe_batches"]

LOOK_AHEAD = 2
"""Batches for each thread that are under way or answered, and not yet taken."""


def pipe_batches(
    batches: Iterator[Batch], answer: Callable[[Batch], Answered], *, concurrency: int
) -> Generator[tuple[str, Any], None, None]:
    """Answer batches in threads.

    They are taken as answers are, so that the source may be endless. When it fails, or a batch does, what comes before
    is given first.

    :param answer: Called in a thread.
    :param concurrency: Threads.
    :returns: Texts and their answers.
    """
    executor = ThreadPoolExecutor(concurrency, thread_name_prefix="spacy-lambda-client")
    waiting: deque[Future[Answered]] = deque()
    fault: Exception | None = None
    more = True
    try:
        while True:
            while more and len(waiting) < LOOK_AHEAD * concurrency:
                try:
                    waiting.append(executor.submit(answer, next(batches)))
                except StopIteration:
                    more = False
                except Exception as exc:  # whatever the user's texts raise
                    more, fault = False, exc
            if not waiting:
                break
            answered = waiting.popleft().result()
            yield from answered.pairs
            if answered.error is not None:
                raise answered.error
        if fault is not None:
            raise fault
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
