"""The time limit of a whole call, however slowly the other side receives and sends.

A socket's own timeout applies to one read: a server that sends one byte a second never exceeds it. So the sockets of a
call are shut down when its time is up, and every operation on them fails at once.
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
    """The end of a call, including its retries and the waits between them.

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
        """Seconds from the beginning to the end."""
        return self._seconds

    @property
    def left(self) -> float:
        """Seconds that are left; 0 after :meth:`end`."""
        return 0.0 if self._over.is_set() else max(0.0, self._until - time.monotonic())

    @property
    def is_over(self) -> bool:
        """True if the deadline has passed."""
        return self.left == 0.0

    def check(self) -> None:
        """Reject the bytes of a connection that was shut down, which look like a complete response.

        :raises TimeoutError: If the time is up.
        """
        if self.is_over:
            raise TimeoutError

    def wait(self, seconds: float) -> None:
        """Wait, at most until the end."""
        self._over.wait(min(seconds, self.left))

    def watch(self, sock: Any) -> None:
        """Shut this socket down at the end."""
        with self._lock:
            if sock not in self._sockets:
                self._sockets.append(sock)
        if self.is_over:
            self.end()

    def end(self) -> None:
        """End the call now; may be called by any thread."""
        self._over.set()
        with self._lock:
            for sock in self._sockets:
                _shut_down(sock)

    @contextmanager
    def running(self) -> Iterator[Deadline]:
        """Make it the deadline of the calls in this thread."""
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
    """Return the deadline of the current call in this thread, or else a new one.

    :param seconds: Of a new deadline.
    """
    found = _CURRENT.get()
    if found is not None:
        yield found
    else:
        with Deadline(seconds).running() as made:
            yield made


def watched(pools: Mapping[str, Any]) -> dict[str, Any]:
    """Return pool classes whose connections are shut down at the deadline of the call that uses them.

    :param pools: The classes of urllib3's pool manager, by scheme.
    """
    return {scheme: _watched_pool(pool) for scheme, pool in pools.items()}


@cache
def _watched_pool(pool: Any) -> Any:
    if issubclass(pool.ConnectionCls, _Watched):
        return pool
    connection = type(f"Watched{pool.ConnectionCls.__name__}", (_Watched, pool.ConnectionCls), {})
    return type(f"Watched{pool.__name__}", (pool,), {"ConnectionCls": connection})


class _Watched:
    """A mixin for connections of urllib3 that registers their sockets."""

    sock: Any

    def connect(self) -> None:
        """Connect."""
        super().connect()  # type: ignore[misc]
        self._watch()

    def request(self, *arguments: Any, **options: Any) -> Any:
        """Send a request, possibly over an open connection."""
        if self.sock is not None:
            self._watch()
        return super().request(*arguments, **options)  # type: ignore[misc]

    def _watch(self) -> None:
        deadline = _CURRENT.get()
        if deadline is not None:
            deadline.watch(self.sock)


def _shut_down(sock: Any) -> None:
    # Not through the methods of TLS sockets, which another thread may be running.
    plain = sock if isinstance(sock, socket.socket) else getattr(sock, "socket", None)
    with suppress(OSError, TypeError):
        socket.socket.shutdown(plain, socket.SHUT_RDWR)  # type: ignore[arg-type]
