"""An HTTP server in a running event loop; bound at once, so that its port is known."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator, Iterable
from typing import Any

import uvicorn

from spacy_lambda.errors import LocalLambdaError
from spacy_lambda.local.access import AccessMiddleware, Origins, host_names, no_origins
from spacy_lambda.local.connections import ACCEPTED_AT_ONCE, Connections, Listener, OnDisconnect

_KEEP_ALIVE_S = 3600  # a function may take longer between two calls than usual limits allow
_SHUTDOWN_S = 2


class HttpServer:
    """Serves an ASGI application on one socket, to programs and to its own pages.

    :param app: The application.
    :param host: The address to listen on.
    :param port: The port; 0 for a free one.
    :param allow_hosts: Further accepted host names, in addition to loopback ones and its own addresses.
    :param origins: Other origins whose pages may send requests; by default none.
    :param on_disconnect: Called after the end of each connection.
    :param header_bytes: Maximum bytes of a request's headers; by default the server's own limit.
    :raises LocalLambdaError: If the address is unavailable, or a name is invalid.
    """

    def __init__(
        self,
        app: Any,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_hosts: Iterable[str] = (),
        origins: Origins = no_origins,
        on_disconnect: OnDisconnect | None = None,
        header_bytes: int | None = None,
    ) -> None:
        guarded_app = AccessMiddleware(app, names=host_names(allow_hosts, bound=host), origins=origins)
        self._socket = _listen(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            guarded_app,
            http=Connections(on_disconnect=on_disconnect).protocol,  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            backlog=ACCEPTED_AT_ONCE,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_SHUTDOWN_S,
            h11_max_incomplete_event_size=header_bytes,
        )
        self._server = _QuietServer(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def start(self) -> None:
        """Start to serve."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))

    async def close(self) -> None:
        """Accept no more connections, finish running responses, and end."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()


class _QuietServer(uvicorn.Server):
    """uvicorn's server without its signal handlers, which belong to the owner of the event loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket whose connections have ``TCP_NODELAY``.

    asyncio sets it only if the protocol is specified, which :func:`socket.create_server` does not do.
    Without it, the head and the body of a response, written one after the other, cost 40 ms each time.
    """
    listener = Listener(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
        return listener
    except (OSError, OverflowError, ValueError) as exc:
        listener.close()
        if getattr(exc, "errno", None) == errno.EADDRINUSE:
            raise LocalLambdaError(
                f"port {port} is in use", remedy="pass --port 0 for a free one, or another port"
            ) from exc
        raise LocalLambdaError(
            f"cannot listen on {host}:{port}: {getattr(exc, 'strerror', None) or exc}",
            remedy="pass another --port, or 0 for a free one, and an address of this machine as --host",
        ) from exc
