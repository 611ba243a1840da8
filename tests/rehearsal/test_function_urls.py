"""Requests to a Function URL of an emulator: passed on whole, or refused in words."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from werkzeug.serving import DechunkedInput

from spacy_lambda.core.lambda_limits import REQUEST_BYTES
from spacy_lambda.rehearsal.function_urls import pass_on


@contextmanager
def local_lambda(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server in the place of the local Lambda.

    :param answer: All that it sends, to the last byte.
    :returns: Its URL, and the bodies that it gets.
    """
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"] or 0)))
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def post(url: str, body: bytes, *, path: str = "/function-url/ner/", **environ: Any) -> tuple[str, bytes]:
    """Return the status and the body of the response."""
    found: list[str] = []
    request = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "wsgi.input": io.BytesIO(body), **environ}
    content = pass_on(request, lambda status, headers: found.append(status), lambda function: url)
    return found[0], b"".join(content)


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> dict[str, Any]:
    """The environment of a request in chunks, as werkzeug makes it."""
    raw = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end
    return {"wsgi.input": DechunkedInput(io.BytesIO(raw)), "wsgi.input_terminated": True}


FINE = b"HTTP/1.0 200 OK\r\n\r\n[]"


def test_bodies_are_passed_on_with_a_length_and_in_chunks() -> None:
    with local_lambda(FINE) as (url, bodies):
        assert post(url, b"{}, and the next request", CONTENT_LENGTH="2") == ("200 OK", b"[]")
        assert post(url, b"", **chunked(b'{"text":', b' "Iron."}')) == ("200 OK", b"[]")
        assert post(url, b"", **chunked(b"x" * (REQUEST_BYTES + 100_000))) == ("200 OK", b"[]")
    assert bodies[:2] == [b"{}", b'{"text": "Iron."}']
    assert len(bodies[2]) == REQUEST_BYTES + 1  # as much as the local Lambda refuses


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"CONTENT_LENGTH": "abc"}, "Content-Length is 'abc'"),
        ({"CONTENT_LENGTH": "-1"}, "Content-Length is '-1'"),
        ({"CONTENT_LENGTH": "9"}, "its body ends early"),
        (chunked(b"{}", end=b"x\r\n"), "its body cannot be read: Invalid chunk header"),
        ({"RAW_URI": "/function-url/ner/a b"}, "URL can't contain control characters"),
    ],
)
def test_invalid_requests_are_refused(environ: dict[str, Any], why: str) -> None:
    with local_lambda(FINE) as (url, bodies):
        status, content = post(url, b"{}", **environ)
    assert (status, bodies) == ("400 Bad Request", [])
    assert content.decode().startswith(f"the request is invalid: {why}")


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]"])
def test_a_local_lambda_that_does_not_answer(answer: bytes) -> None:
    with local_lambda(answer) as (url, _):
        status, content = post(url, b"{}", CONTENT_LENGTH="2")
    assert status == "502 Bad Gateway"
    assert content.startswith(b"the local Lambda has not answered: ")
