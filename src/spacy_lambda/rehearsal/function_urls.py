"""Function URLs of an emulator: ``/function-url/NAME/...`` on its port, passed on to the live version.

That runs in the local Lambda, which checks no signatures, and refuses other host names and web pages.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from spacy_lambda.core.foreign_errors import system_reason

__all__ = ["PREFIX", "FindUrl", "function_url", "pass_on"]

PREFIX = "/function-url/"
PATH = re.compile(rf"{PREFIX}(?P<function>[A-Za-z0-9_-]+)(?P<rest>/.*)?")
TIMEOUT_S = 900
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})

FindUrl = Callable[[str], str | None]
"""Returns the URL of a function's live version in the local Lambda, by the function's name; ``None`` without one."""


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
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    try:
        connection.request(environ["REQUEST_METHOD"], rest + query, body or None, _headers(environ))
        response = connection.getresponse()
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP]
        start_response(f"{response.status} {response.reason}", headers)
        return [response.read()]
    except OSError as exc:
        start_response("502 Bad Gateway", [("Content-Type", "text/plain")])
        return [f"the local Lambda cannot be reached: {system_reason(exc)}\n".encode()]
    finally:
        connection.close()


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    found = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        found["Content-Type"] = environ["CONTENT_TYPE"]
    return {name: value for name, value in found.items() if name.lower() not in HOP_BY_HOP}
