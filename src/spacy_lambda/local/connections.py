"""The open connections of a server: as many as it has files for, and their ends.

A server of asyncio accepts connections until it has no more files, and then cannot start a process either. This one
ends the connection that was silent for longest instead, unless the function works on its request.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["ACCEPTED_AT_ONCE", "Connections", "Listener", "OnDisconnect", "Peer"]

Peer = tuple[str, int]
"""The address and the port of the other side."""

OnDisconnect = Callable[[Peer, BaseException | None], None]
"""Receives a peer whose connection has ended, with the error that ended it."""

ACCEPTED_AT_ONCE = 16
"""Connections that asyncio accepts before it can end others."""

MAX_CONNECTIONS, MIN_CONNECTIONS = 1024, 16
_BACKLOG = 2048


class Listener(socket.socket):
    """A socket with a long queue of connections that are not accepted yet."""

    def listen(self, backlog: int = _BACKLOG) -> None:
        """Listen with that queue: asyncio's own length is also the number that it accepts at once."""
        super().listen(max(backlog, _BACKLOG))


class Connections:
    """The connections of one server.

    :param limit: Maximum number; by default half of the files that this process may open.
    :param on_disconnect: Called after the end of each.
    """

    def __init__(self, *, limit: int | None = None, on_disconnect: OnDisconnect | None = None) -> None:
        self._limit = max_connections() if limit is None else limit
        self._on_disconnect = on_disconnect
        self._open: dict[_Connection, None] = {}

    def protocol(self, **options: Any) -> asyncio.Protocol:
        """Return the protocol of a new connection, as uvicorn makes one."""
        return _Connection(self, **options)

    def add(self, connection: _Connection) -> None:
        """Add an open connection, or move it behind the others, and end the first silent one if there are too many."""
        self._open.pop(connection, None)
        self._open[connection] = None
        if len(self._open) > self._limit:
            silent = next((one for one in self._open if one.is_silent and one is not connection), None)
            if silent is not None:
                del self._open[silent]
                silent.transport.abort()

    def remove(self, connection: _Connection, exc: BaseException | None) -> None:
        """Remove a connection that has ended."""
        self._open.pop(connection, None)
        if self._on_disconnect is not None and connection.client is not None:
            self._on_disconnect(connection.client, exc)


class _Connection(H11Protocol):
    def __init__(self, connections: Connections, **options: Any) -> None:
        super().__init__(**options)
        self._all = connections

    @property
    def is_silent(self) -> bool:
        """True if the server waits for the other side."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast("asyncio.Transport", _JoiningTransport(transport, self.loop)))
        self._all.add(self)

    def data_received(self, data: bytes) -> None:
        self._all.add(self)
        super().data_received(data)

    def _should_upgrade(self) -> bool:
        """Answer by HTTP 1.1, as ``curl --http2`` accepts; uvicorn would recommend libraries for WebSockets."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._all.remove(self, exc)


class _JoiningTransport:
    """A transport that writes the head of a response and its body at once, so that the other side wakes up once."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write in the next turn of the event loop."""
        if not self._chunks:
            self._loop.call_soon(self._flush)
        self._chunks.append(data)

    def close(self) -> None:
        """Write the rest, and close."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._chunks:
            data = b"".join(self._chunks)
            self._chunks.clear()
            if not self._transport.is_closing():
                self._transport.write(data)


def max_connections() -> int:
    """Return half of the files that this process may open, within limits."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(MIN_CONNECTIONS, min(files // 2, MAX_CONNECTIONS))
