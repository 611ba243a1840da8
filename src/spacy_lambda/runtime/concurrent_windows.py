"""Windows of several texts -> hidden states, several windows at the same time, each on a CPU of its own.

onnxruntime divides each matrix product among its threads, which then wait for each other at the end of it. With many
windows it is faster to give each of them one CPU. One session does both: a window that is run by one of its own threads
(``run_async``) stays there, while other threads are busy.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from spacy_lambda.runtime.encoder import Encoder, HiddenStates, Inputs

__all__ = ["ConcurrentWindows", "WindowRun"]

RESERVED = 1
"""Waiting windows that are left to the calling thread, which otherwise would wait without work: for the last window,
it uses the CPUs of all."""


@dataclass(eq=False)
class WindowRun:
    """A window, and its hidden states or its error after it has run.

    :param inputs: See :meth:`.Encoder.inputs`.
    """

    inputs: Inputs
    hidden: HiddenStates | None = None
    error: Exception | None = None

    @property
    def is_done(self) -> bool:
        """True after it has run."""
        return self.hidden is not None or self.error is not None


class _Shared:
    """State that the session's threads share with the calling thread.

    They hold no reference to the session: closing it in one of its own threads would wait forever.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = weakref.ref(encoder)
        self.waiting: deque[WindowRun] = deque()
        self.ended: SimpleQueue[bool] = SimpleQueue()
        """For each window that a thread of the session has run: ``True`` if this thread has not begun another."""
        self.threads: set[int] = set()

    def begin(self) -> bool:
        """Let a thread of the session run the next window; return ``False`` if there is none for it."""
        encoder = self.encoder()
        while encoder is not None and len(self.waiting) > RESERVED:
            try:
                run = self.waiting.popleft()
            except IndexError:  # another thread was faster
                break
            try:
                encoder.start(run.inputs, self.end, run)
                return True
            except Exception as exc:
                run.error = exc
        return False

    def end(self, run: WindowRun, hidden: HiddenStates | None, error: Exception | None) -> None:
        """Keep the outcome of a window, and begin the next one; a thread of the session calls this."""
        self.threads.add(threading.get_ident())
        run.hidden, run.error = hidden, error
        self.ended.put(not self.begin())


_kept: list[Any] = []
"""Encoders whose last reference would otherwise be dropped by a thread of their session."""

_open: weakref.WeakSet[ConcurrentWindows] = weakref.WeakSet()


class ConcurrentWindows:
    """Runs the windows of texts at the same time, in the order in which the texts are added.

    The calling thread runs windows, too, while it waits for one. With one CPU it runs all of them.

    :param encoder: The encoder, which is opened.
    """

    def __init__(self, encoder: Encoder) -> None:
        encoder.open()
        self._encoder = encoder
        self._pid = os.getpid()
        self._shared = _Shared(encoder)
        self._others = encoder.threads - 1
        self._busy = 0

    @property
    def is_concurrent(self) -> bool:
        """``False`` if there is one CPU only."""
        return self._others > 0

    def add(self, inputs: Sequence[Inputs]) -> list[WindowRun]:
        """Add the windows of a text."""
        runs = [WindowRun(one) for one in inputs]
        self._check_process()
        self._shared.waiting.extend(runs)
        while not self._shared.ended.empty():
            self._await_end()
        while self._busy < self._others and self._shared.begin():
            self._busy += 1
        return runs

    def results(self, runs: Sequence[WindowRun]) -> list[HiddenStates]:
        """Return the hidden states of windows that were added.

        :raises EncoderError: If onnxruntime fails on one of them.
        """
        self._check_process()
        found: list[HiddenStates] = []
        for run in runs:
            while not run.is_done:
                self._work(run)
            if run.error is not None:
                raise run.error
            found += [] if run.hidden is None else [run.hidden]
        return found

    def _work(self, wanted: WindowRun) -> None:
        """Run a window, or wait until one has been run."""
        try:
            run = self._shared.waiting.popleft()
        except IndexError:
            if self._busy:
                self._await_end()
                return
            run = wanted  # a parent process has begun it
        try:
            run.hidden = self._encoder.run(run.inputs)
        except Exception as exc:
            run.error = exc

    def _await_end(self) -> None:
        self._busy -= self._shared.ended.get()

    def _check_process(self) -> None:
        """Forget the session's threads in a forked child, where they do not exist."""
        if self._pid != os.getpid():
            self._busy = self._others = 0

    def close(self) -> None:
        """Drop the windows that have not begun, and wait for the others."""
        self._shared.waiting.clear()
        if threading.get_ident() in self._shared.threads:  # Python's garbage collector runs in any thread
            _kept.append(self._encoder)
            return
        self._check_process()
        while self._busy:
            self._await_end()
        # A thread that has reported its end still needs Python to return, before Python or the session may end.
        while self._others and self._shared.threads & sys._current_frames().keys():
            time.sleep(0.0001)

    def __enter__(self) -> Self:
        _close_at_exit()
        _open.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _open.discard(self)
        self.close()


@cache
def _close_at_exit() -> None:
    """Wait for the sessions' threads before Python ends, which they could not call any more."""

    def close_all() -> None:
        for windows in list(_open):
            windows.close()

    atexit.register(close_all)
