"""Function URLs of an emulator: ``/function-url/NAME/...`` on its port, passed on to the live version.

That runs in the local Lambda, which checks no signatures, and refuses other host names and web pages.
"""

from __future__ import annotations

import http.client
import re
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.lambda_limits import REQUEST_BYTES

__all__ = ["PREFIX", "FindUrl", "function_url", "pass_on"]

PREFIX = "/function-url/"
PATH = re.compile(rf"{PREFIX}(?P<function>[A-Za-z0-9_-]+)(?P<rest>/.*)?")
TIMEOUT_S = 900
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})

LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
BLOCK_BYTES = 65_536

FindUrl = Callable[[str], str | None]
"""Returns the URL of a function's live version in the local Lambda, by the function's name; ``None`` without one."""


class InvalidRequest(Exception):
    """A request that is not passed on; the text gives the reason."""


def function_url(endpoint: str, function: str) -> str:
    """Return the URL of a function."""
    return f"{endpoint}{PREFIX}{function}/"


def pass_on(environ: dict[str, Any], start_response: Callable[..., Any], find: FindUrl) -> Iterable[bytes]:
    """Answer a call of a Function URL as the local Lambda does."""
    match = PATH.fullmatch(environ["PATH_INFO"])
    url = find(match["function"]) if match else None
    if match is None or url is None:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no function with a live version has this URL\n"]
    query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
    raw = environ.get("RAW_URI", environ["PATH_INFO"]).partition("?")[0]
    rest = raw.removeprefix(f"{PREFIX}{match['function']}") or "/"
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)
    with closing(connection):
        try:
            body = _read_body(environ)
            connection.connect()
        except InvalidRequest as exc:
            return _refused(start_response, "400 Bad Request", f"the request is invalid: {exc}")
        except OSError as exc:
            return _refused(
                start_response, "502 Bad Gateway", f"the local Lambda cannot be reached: {system_reason(exc)}"
            )
        try:
            connection.request(environ["REQUEST_METHOD"], rest + query, body or None, _headers(environ))
            response = connection.getresponse()
            content = response.read()
        except (http.client.InvalidURL, ValueError) as exc:  # characters that no request has
            return _refused(start_response, "400 Bad Request", f"the request is invalid: {exc}")
        except (OSError, http.client.HTTPException) as exc:
            return _refused(
                start_response, "502 Bad Gateway", f"the local Lambda has not answered: {system_reason(exc)}"
            )
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP]
        start_response(f"{response.status} {response.reason}", headers)
        return [content]


def _refused(start_response: Callable[..., Any], status: str, why: str) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain")])
    return [f"{why}\n".encode()]


def _read_body(environ: dict[str, Any]) -> bytes:
    """Read a body to its end, of which no more is held than shows the local Lambda that it is too large.

    :raises InvalidRequest: If its length is not a number, or it ends early.
    """
    chunked = environ.get("wsgi.input_terminated", False)
    length = environ.get("CONTENT_LENGTH") or "0"
    if not chunked and not LENGTH.fullmatch(length):
        raise InvalidRequest(f"Content-Length is {length[:100]!r}")
    left = sys.maxsize if chunked else int(length)
    body = bytearray()
    while left > 0:
        try:
            block = environ["wsgi.input"].read(min(left, BLOCK_BYTES))
        except OSError as exc:
            raise InvalidRequest(f"its body cannot be read: {system_reason(exc)}") from exc
        if not block and not chunked:
            raise InvalidRequest("its body ends early")
        if not block:
            break
        left -= len(block)
        body += block[: REQUEST_BYTES + 1 - len(body)]
    return bytes(body)


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    found = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        found["Content-Type"] = environ["CONTENT_TYPE"]
    return {name: value for name, value in found.items() if name.lower() not in HOP_BY_HOP}
