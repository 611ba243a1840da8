"""Worker processes on this machine, one for each CPU, with one thread of the encoder each."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path

from spacy_lambda.core.annotation import AnnotateOptions, Counts
from spacy_lambda.corpus.engines.isolation import Endings, annotate_isolated
from spacy_lambda.corpus.engines.protocol import OnDocuments, ShardResult
from spacy_lambda.corpus.engines.worker_process import WorkerEndedError, WorkerProcess
from spacy_lambda.corpus.shards import Shard

__all__ = ["LocalEngine"]

CLOSE_S = 1.0
"""Seconds for which threads are waited for; one that reads standard input may not end."""


class LocalEngine:
    """Annotates shards in processes: with Python's lock, threads would take turns outside of the encoder.

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
        results: queue.Queue[ShardResult | Exception | None] = queue.Queue(maxsize=self._workers)
        source, endings = _Locked(shards), Endings()

        def on_ready() -> None:
            self._check_pipeline()
            on_documents(Counts())

        workers = [WorkerProcess(self._pipeline, self._options, on_ready) for _ in range(self._workers)]
        threads = [
            threading.Thread(target=_feed, args=(worker, source, results, on_documents, endings), daemon=True)
            for worker in workers
        ]
        try:
            for thread in threads:
                thread.start()
            running = len(threads)
            while running:
                result = results.get()
                if result is None:
                    running -= 1
                elif isinstance(result, Exception):
                    raise result
                else:
                    yield result
        finally:
            source.close()
            for worker in workers:
                worker.kill()
            until = time.monotonic() + CLOSE_S
            while any(thread.is_alive() for thread in threads) and time.monotonic() < until:
                with suppress(queue.Empty):  # a thread may wait until its result is taken
                    results.get(timeout=CLOSE_S / 50)


class _Locked:
    """An iterator that several threads may take from."""

    def __init__(self, shards: Iterator[Shard]) -> None:
        self._shards = shards
        self._lock = threading.Lock()
        self._closed = False

    def next(self) -> Shard | None:
        with self._lock:
            return None if self._closed else next(self._shards, None)

    def close(self) -> None:
        self._closed = True


def _feed(
    worker: WorkerProcess,
    source: _Locked,
    results: queue.Queue[ShardResult | Exception | None],
    on_documents: OnDocuments,
    endings: Endings,
) -> None:
    """Give shards to a worker until there are no more."""
    try:
        while (shard := source.next()) is not None:
            results.put(_annotate(worker, shard, on_documents, endings))
    except Exception as exc:
        results.put(exc)
    finally:
        worker.close()
        results.put(None)


def _annotate(worker: WorkerProcess, shard: Shard, on_documents: OnDocuments, endings: Endings) -> ShardResult:
    """Annotate a shard, and count each of its documents once."""
    seen = Counts()

    def count(counts: Counts) -> None:
        seen.add(counts)
        endings.see(counts)
        on_documents(counts)

    def annotate(lines: bytes) -> ShardResult:
        try:
            return worker.annotate(shard.name, lines, endings.see)
        except WorkerEndedError as exc:
            endings.add(exc)
            raise

    try:
        return worker.annotate(shard.name, shard.lines, count)
    except WorkerEndedError as exc:
        endings.add(exc)
        result = annotate_isolated(shard.name, shard.lines, seen.documents, annotate)
        on_documents(
            Counts(
                documents=result.counts.documents - seen.documents,
                words=result.counts.words - seen.words,
                errors=result.counts.errors - seen.errors,
            )
        )
        return result
