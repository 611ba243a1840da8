"""Worker processes on this machine, one for each CPU, with one thread of the encoder each."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path

from spacy_lambda.core.annotation import AnnotateOptions, Counts
from spacy_lambda.corpus.engines.batches import ShardBatch, ShardResults, shard_batches
from spacy_lambda.corpus.engines.isolation import Endings, annotate_safely
from spacy_lambda.corpus.engines.protocol import OnDocuments, ShardResult
from spacy_lambda.corpus.engines.worker_process import WorkerProcess
from spacy_lambda.corpus.shards import Shard

__all__ = ["LocalEngine"]

CLOSE_S = 1.0
"""Seconds for which threads are waited for; one that reads standard input may not end."""


Result = tuple[ShardBatch, ShardResult] | Exception | None
"""The result of a batch, the error that ends the run, or the end of a worker."""


class LocalEngine:
    """Annotates shards in processes: with Python's lock, threads would take turns outside of the encoder.

    Each gets one batch at a time, of whichever shard is next, so that none is idle while another ends the last shard.
    A document that ends its process has an error, and all others are annotated.

    :param pipeline: The folder of a compiled pipeline.
    :param options: Options of annotating.
    :param workers: Number of processes.
    :param check_pipeline: Called when a process has loaded the pipeline; raises an error if that has changed.
    """

    def __init__(
        self,
        pipeline: Path,
        options: AnnotateOptions,
        *,
        workers: int,
        check_pipeline: Callable[[], None] = lambda: None,
    ) -> None:
        self._pipeline = pipeline
        self._options = options
        self._workers = workers
        self._check_pipeline = check_pipeline

    def run(self, shards: Iterator[Shard], on_documents: OnDocuments) -> Generator[ShardResult, None, None]:
        results: queue.Queue[Result] = queue.Queue(maxsize=2 * self._workers)
        batches, endings, found = _Batches(shards, self._workers), Endings(), ShardResults()

        def on_ready() -> None:
            self._check_pipeline()
            on_documents(Counts())

        workers = [WorkerProcess(self._pipeline, self._options, on_ready) for _ in range(self._workers)]
        threads = [threading.Thread(target=batches.read, daemon=True)]
        threads += [
            threading.Thread(target=_feed, args=(worker, batches, results, on_documents, endings), daemon=True)
            for worker in workers
        ]
        try:
            for thread in threads:
                thread.start()
            running = len(workers)
            while running:
                result = results.get()
                if result is None:
                    running -= 1
                elif isinstance(result, Exception):
                    raise result
                else:
                    yield from found.add(*result)
        finally:
            batches.close()
            for worker in workers:
                worker.kill()
            until = time.monotonic() + CLOSE_S
            while any(thread.is_alive() for thread in threads) and time.monotonic() < until:
                with suppress(queue.Empty):  # a thread may wait until its result is taken
                    results.get(timeout=CLOSE_S / 50)


class _Batches:
    """The batches of shards, which are read in a thread of their own.

    :param shards: The shards.
    :param ahead: Maximum number of batches that are read before they are taken.
    """

    def __init__(self, shards: Iterator[Shard], ahead: int) -> None:
        self._shards = shards
        self._ahead = ahead
        self._read = deque[ShardBatch]()
        self._ended = False
        self._error: Exception | None = None
        self._changed = threading.Condition()

    def next(self) -> ShardBatch | None:
        """Return the next batch; ``None`` at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._read or self._ended)
            if self._error is not None:
                raise self._error
            self._changed.notify_all()
            return self._read.popleft() if self._read else None

    def close(self, error: Exception | None = None) -> None:
        """End reading; batches that are not taken are lost.

        :param error: The reason, which is raised in place of the next batch.
        """
        with self._changed:
            self._ended, self._error = True, error
            self._read.clear()
            self._changed.notify_all()

    def read(self) -> None:
        """Read all batches."""
        try:
            for batch in chain.from_iterable(map(shard_batches, self._shards)):
                with self._changed:
                    self._changed.wait_for(lambda: self._ended or len(self._read) < self._ahead)
                    if self._ended:
                        return
                    self._read.append(batch)
                    self._changed.notify_all()
        except Exception as exc:
            self.close(exc)
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def _feed(
    worker: WorkerProcess,
    batches: _Batches,
    results: queue.Queue[Result],
    on_documents: OnDocuments,
    endings: Endings,
) -> None:
    """Give batches to a worker until there are no more."""
    try:
        while (batch := batches.next()) is not None:
            annotate = partial(worker.annotate, batch.shard)
            result = annotate_safely(batch.shard, batch.lines, annotate, endings)
            on_documents(result.counts)
            results.put((batch, result))
    except Exception as exc:
        results.put(exc)
    finally:
        worker.close()
        results.put(None)
