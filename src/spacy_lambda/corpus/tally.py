"""The figures of a run while it goes on: documents, bytes, rate, states of shards, cost."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, BinaryIO, cast

from spacy_lambda.core.annotation import Counts
from spacy_lambda.corpus.files import CorpusFile
from spacy_lambda.corpus.records import ShardRecord
from spacy_lambda.corpus.shards import Shard
from spacy_lambda.corpus.summary import OnProgress, Progress, ShardStates

__all__ = ["RunTally", "sum_costs"]

BUFFER_BYTES = 32 << 10


class RunTally:
    """Counts what a run has done, and reports it; called by any thread.

    :param files: The files of the corpus.
    :param on_progress: Called with the figures.
    """

    def __init__(self, files: Sequence[CorpusFile], on_progress: OnProgress) -> None:
        self.files = [self._counted(file) for file in files]
        self._on_progress = on_progress
        sizes = [file.size for file in files]
        self._total_bytes = None if None in sizes else sum(size for size in sizes if size is not None)
        self._read_bytes = 0
        self._documents, self._shards = 0, 0
        self._total_documents: int | None = None
        self._all_read = False
        self._now = Counts()
        self.resumed, self._resumed_shards = 0, 0
        self._written = 0
        self._cost: float | None = None
        self._states: ShardStates | None = None
        self._began = time.monotonic()
        self._ready: float | None = None
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    @property
    def annotating_seconds(self) -> float:
        """Seconds since the first process was ready, as far as the engine reports that; 0 before."""
        return 0.0 if self._ready is None else time.monotonic() - self._ready

    def see(self, shard: Shard, record: ShardRecord | None) -> None:
        """Count a shard that was read, and that was annotated before if it has a record."""
        self._documents += shard.documents
        self._shards += 1
        if record is not None:
            self._resumed_shards += 1
            self.resumed += record.counts.documents

    def restart(self) -> None:
        """Begin to count the corpus, which may have been read before."""
        self._read_bytes = self._documents = self._shards = self.resumed = self._resumed_shards = 0
        self._all_read = False

    def end(self) -> None:
        """Note that the corpus was read to its end."""
        self._total_documents, self._all_read = self._documents, True

    def add(self, counts: Counts) -> None:
        """Count annotated documents. The first call may have none: a process is ready then."""
        with self._lock:
            if self._ready is None:
                self._ready = self._began if counts.documents else time.monotonic()
            self._now.add(counts)
            self._report()

    def show(self, states: ShardStates) -> None:
        """Report the states of the shards."""
        with self._lock:
            self._states = states
            self._report()

    def written(self, cost: float | None) -> None:
        """Count a shard whose results are written."""
        self._written += 1
        self._cost = sum_costs(self._cost, cost)

    def _report(self) -> None:
        total_cost = None
        if self._cost is not None and self._all_read and self._written:
            total_cost = self._cost / self._written * (self._shards - self._resumed_shards)
        self._on_progress(
            Progress(
                documents=self._now.documents,
                words=self._now.words,
                errors=self._now.errors,
                resumed=self.resumed,
                read_bytes=self._read_bytes,
                total_bytes=self._total_bytes,
                total_documents=self._estimated_documents(),
                seconds=self.annotating_seconds,
                cost=self._cost,
                total_cost=total_cost,
                states=self._states,
            )
        )

    def _estimated_documents(self) -> int | None:
        """Return the documents of the corpus, extrapolated by bytes until it is read to its end."""
        if self._total_documents is not None or not self._total_bytes or not self._read_bytes:
            return self._total_documents
        share = min(1.0, self._read_bytes / self._total_bytes)
        return max(self._documents, round(self._documents / share))

    def _counted(self, file: CorpusFile) -> CorpusFile:
        """Return a file whose bytes are counted when they are read."""
        return file if file.read_once else replace(file, open_raw=lambda: self._open(file))

    def _open(self, file: CorpusFile) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_Counted(file.open_raw(), self._count), BUFFER_BYTES))

    def _count(self, size: int) -> None:
        self._read_bytes += size


class _Counted(io.RawIOBase):
    """A file whose bytes are counted."""

    def __init__(self, file: Any, count: Any) -> None:
        self._file, self._count = file, count

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def tell(self) -> int:
        return int(self._file.tell())

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return int(self._file.seek(offset, whence))

    def readinto(self, buffer: Any, /) -> int:
        size = int(self._file.readinto(buffer))
        self._count(size)
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


def sum_costs(*costs: float | None) -> float | None:
    """Return the sum of the costs that are known."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None
