"""How long a call may take in all, however slowly the other side takes and sends.

A socket's own timeout is for one read: who sends a byte a second never reaches it. So the sockets that a call uses are
shut down when its time is up, and whatever waits for them fails at once.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from typing import Any

__all__ = ["CONNECT_TIMEOUT_S", "Deadline", "current_deadline", "watched"]

CONNECT_TIMEOUT_S = 5

_CURRENT: ContextVar[Deadline | None] = ContextVar("spacy-lambda-deadline", default=None)


class Deadline:
    """The end of a call, with all of its attempts and the waits between them.

    :param seconds: From now on.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._seconds = seconds
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._sockets: list[Any] = []

    @property
    def seconds(self) -> float:
        """How long it was at the beginning."""
        return self._seconds

    @property
    def left(self) -> float:
        """Seconds; none after :meth:`end`."""
        return 0.0 if self._over.is_set() else max(0.0, self._until - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.left == 0.0

    def check(self) -> None:
        """Refuse what was read of a connection that was shut down: it looks like an answer that ended there.

        :raises TimeoutError: When the time is up.
        """
        if self.is_over:
            raise TimeoutError

    def wait(self, seconds: float) -> None:
        """Wait, but not after :meth:`end`."""
        self._over.wait(min(seconds, self.left))

    def watch(self, sock: Any) -> None:
        """Shut this socket down at the end."""
        with self._lock:
            if sock not in self._sockets:
                self._sockets.append(sock)
        if self.is_over:
            self.end()

    def end(self) -> None:
        """Let the time be up; called by any thread."""
        self._over.set()
        with self._lock:
            for sock in self._sockets:
                _shut_down(sock)

    @contextmanager
    def running(self) -> Iterator[Deadline]:
        """Let it be that of the calls in this thread."""
        timer = threading.Timer(min(self.left, threading.TIMEOUT_MAX), self.end)
        timer.daemon = True
        token = _CURRENT.set(self)
        timer.start()
        try:
            yield self
        finally:
            _CURRENT.reset(token)
            timer.cancel()
            timer.join()
            with self._lock:
                self._sockets.clear()


@contextmanager
def current_deadline(seconds: float) -> Iterator[Deadline]:
    """That of the call that this thread is in; outside of one, a deadline of its own.

    :param seconds: Of the latter.
    """
    found = _CURRENT.get()
    if found is not None:
        yield found
    else:
        with Deadline(seconds).running() as made:
            yield made


def watched(pools: Mapping[str, Any]) -> dict[str, Any]:
    """Kinds of connections that are shut down at the deadline of the call that uses them.

    :param pools: A pool manager's classes by scheme, of urllib3.
    """
    return {scheme: _watched_pool(pool) for scheme, pool in pools.items()}


@cache
def _watched_pool(pool: Any) -> Any:
    if issubclass(pool.ConnectionCls, _Watched):
        return pool
    connection = type(f"Watched{pool.ConnectionCls.__name__}", (_Watched, pool.ConnectionCls), {})
    return type(f"Watched{pool.__name__}", (pool,), {"ConnectionCls": connection})


class _Watched:
    """What a connection of urllib3 does besides."""

    sock: Any

    def connect(self) -> None:
        """Connect."""
        super().connect()  # type: ignore[misc]
        self._watch()

    def request(self, *arguments: Any, **options: Any) -> Any:
        """Send a request, perhaps through a connection that is there already."""
        if self.sock is not None:
            self._watch()
        return super().request(*arguments, **options)  # type: ignore[misc]

    def _watch(self) -> None:
        deadline = _CURRENT.get()
        if deadline is not None:
            deadline.watch(self.sock)


def _shut_down(sock: Any) -> None:
    # Not through the methods of TLS sockets, which another thread may be in.
    plain = sock if isinstance(sock, socket.socket) else getattr(sock, "socket", None)
    with suppress(OSError, TypeError):
        socket.socket.shutdown(plain, socket.SHUT_RDWR)  # type: ignore[arg-type]
