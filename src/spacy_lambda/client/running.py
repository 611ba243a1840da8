"""The calls that are under way for somebody, who may not want them any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

from spacy_lambda.client.call_errors import CallFailed
from spacy_lambda.client.deadline import Deadline
from spacy_lambda.errors import InvokeError

__all__ = ["Calls"]

T = TypeVar("T")


class Calls:
    """Calls, each with its deadline.

    :param seconds: For each of them.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._running: set[Deadline] = set()
        self._stopped = False

    @contextmanager
    def one(self) -> Iterator[Deadline]:
        """A call in this thread."""
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
        """A call that is not made when nobody waits for it any more.

        :raises CallFailed: Then.
        """
        if self._stopped:
            raise CallFailed(InvokeError("the pipe was closed", remedy="take its answers before closing it"))
        return call()

    def stop(self) -> None:
        """End those that are under way, and begin no more."""
        with self._lock:
            self._stopped = True
            for deadline in self._running:
                deadline.end()
