"""Worker processes on this machine, one for each CPU, with one thread of the encoder each."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from spacy_lambda.core.annotation import AnnotateOptions, Counts
from spacy_lambda.core.env_names import CPUS_VARIABLE
from spacy_lambda.corpus.engines.protocol import OnDocuments, ShardResult
from spacy_lambda.corpus.engines.worker import receive, send
from spacy_lambda.corpus.shards import Shard
from spacy_lambda.errors import CorpusError

__all__ = ["ONE_CPU", "LocalEngine"]

ONE_CPU = dict.fromkeys(
    (CPUS_VARIABLE, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1"
)
"""Variables that give a process one thread."""


class LocalEngine:
    """Annotates shards in processes: with Python's lock, threads would take turns outside of the encoder.

    :param pipeline: The folder of a compiled pipeline.
    :param options: Options of annotating.
    :param workers: Number of processes.
    """

    def __init__(self, pipeline: Path, options: AnnotateOptions, *, workers: int) -> None:
        self._pipeline = pipeline
        self._options = options
        self._workers = workers

    def run(self, shards: Iterator[Shard], on_documents: OnDocuments) -> Generator[ShardResult, None, None]:
        results: queue.Queue[ShardResult | Exception | None] = queue.Queue(maxsize=self._workers)
        source = _Locked(shards)
        workers = [_Worker(self._pipeline, self._options) for _ in range(self._workers)]
        threads = [
            threading.Thread(target=_feed, args=(worker, source, results, on_documents), daemon=True)
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


class _Worker:
    """A worker process, started when it is first used."""

    def __init__(self, pipeline: Path, options: AnnotateOptions) -> None:
        self._settings = {"pipeline": os.fspath(pipeline), "options": options.to_dict()}
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    def annotate(self, shard: Shard, on_documents: OnDocuments) -> ShardResult:
        """Annotate a shard.

        :raises CorpusError: If the process fails or ends.
        """
        process = self._process or self._start()
        with suppress(BrokenPipeError):  # the reason is in the output
            send(_pipe(process.stdin), {"name": shard.name}, shard.lines)
        while (message := receive(_pipe(process.stdout))) is not None:
            header, contents = message
            if header["kind"] == "documents":
                on_documents(Counts.from_dict(header["counts"]))
            elif header["kind"] == "done":
                counts = Counts.from_dict(header["counts"])
                return ShardResult(shard.name, contents[0], contents[1], counts, header["seconds"])
            elif header["kind"] == "error":
                raise CorpusError(header["message"], remedy=header["remedy"])
        raise _ended(process.wait(), shard)

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "spacy_lambda.corpus.engines.worker"]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **ONE_CPU}
        )
        self._process = process
        if self._killed:
            process.kill()
        with suppress(BrokenPipeError):
            send(_pipe(process.stdin), self._settings)
        return process

    def kill(self) -> None:
        """End the process at once."""
        self._killed = True
        process = self._process
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()


def _pipe(stream: Any) -> BinaryIO:
    return cast(BinaryIO, stream)


def _feed(
    worker: _Worker, source: _Locked, results: queue.Queue[ShardResult | Exception | None], on_documents: OnDocuments
) -> None:
    """Give shards to a worker until there are no more."""
    try:
        while (shard := source.next()) is not None:
            results.put(worker.annotate(shard, on_documents))
    except Exception as exc:
        results.put(exc)
    finally:
        results.put(None)


def _ended(status: int, shard: Shard) -> CorpusError:
    if status < 0:
        return CorpusError(
            f"a worker was ended by signal {-status} in shard {shard.name}",
            remedy="if memory ran out, pass fewer --workers; the same command resumes where this one stopped",
        )
    return CorpusError(
        f"a worker failed with exit status {status} in shard {shard.name}",
        remedy="the reason is above; the same command resumes where this one stopped",
    )
