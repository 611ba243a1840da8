"""A server that sends any bytes, at any speed."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterable, Iterator


class Script:
    """The bytes for each connection.

    :param parts: Bytes, with a pause after each.
    :param pause_s: Seconds.
    :param hold: Keep the connection open at the end.
    """

    def __init__(self, parts: Iterable[bytes], *, pause_s: float = 0.0, hold: bool = False) -> None:
        self.parts = parts
        self.pause_s = pause_s
        self.hold = hold


@contextlib.contextmanager
def raw_server(*scripts: Script) -> Iterator[str]:
    """Serve these, one for each connection, the last one repeatedly."""
    over = threading.Event()
    number = itertools.count()

    def play(connection: socket.socket) -> None:
        script = scripts[min(next(number), len(scripts) - 1)]
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for part in script.parts:
                connection.sendall(part)
                if over.wait(script.pause_s):
                    return
            while script.hold and not over.wait(0.02):
                pass

    def serve() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                threads.append(threading.Thread(target=play, args=(connection,), daemon=True))
                threads[-1].start()

    threads: list[threading.Thread] = []
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    threads.append(threading.Thread(target=serve, daemon=True))
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        over.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
        server.close()
        for thread in threads:
            thread.join(30)


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a complete response."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
