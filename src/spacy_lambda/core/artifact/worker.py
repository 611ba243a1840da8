"""Work that goes on behind the caller: hashing and flushing, while the next bytes arrive."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType

__all__ = ["Background"]

DEPTH = 16
"""Pieces of work that wait at most, so that memory stays bounded."""


class Background:
    """Calls functions in a thread of its own, in order. What the first one raises, the end of the context raises."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Callable[[], object] | None] = queue.Queue(DEPTH)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)

    def __enter__(self) -> Background:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.finish()
        if error is None and self._error is not None:
            raise self._error

    def do(self, work: Callable[[], object]) -> None:
        """Have something done."""
        self._waiting.put(work)

    def finish(self) -> None:
        """Wait until all is done."""
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            try:
                work()
            except BaseException as exc:
                self._error = self._error or exc
