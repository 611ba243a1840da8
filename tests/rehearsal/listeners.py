"""Programs that listen on a port, in a thread of the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from spacy_lambda.rehearsal.emulator_access import Access, new_access, proof_of


@contextmanager
def listening(answer: Callable[[str], bytes]) -> Iterator[tuple[int, list[str]]]:
    """Answer GET requests.

    :param answer: Returns the body, by the path.
    :returns: The port, and the requests that came, with their headers.
    """
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(f"{self.requestline}\n{self.headers}")
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer(self.path))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_port, requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def answering(*, region: str) -> Iterator[Access]:
    """Prove, as an emulator does, to be the one of the access that is returned, and do nothing else."""
    accesses: list[Access] = []
    with listening(lambda path: str(proof_of(accesses[0], path)).encode()) as (port, _):
        accesses.append(new_access(port, account="111122223333", region=region))
        yield accesses[0]
