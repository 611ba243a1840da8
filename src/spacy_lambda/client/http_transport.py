"""Through the HTTP API: a Function URL, API Gateway, or the local Lambda."""

from __future__ import annotations

import json
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from .. import __version__
from ..errors import InvokeError
from .endpoint import CONNECT_TIMEOUT_S, is_local
from .failures import TRANSIENT, CallFailed, problem_error, refused
from .signing import Signer
from .transport import to_json

__all__ = ["HttpTransport", "checked_url"]

SMALLER = frozenset({413, 500, 502, 504})
"""HTTP statuses after which fewer texts may succeed. A function that fails, runs out of time or answers too much is 502
with a Function URL, 500 or 504 with API Gateway."""


class HttpTransport:
    """A function behind a URL.

    :param url: Before ``/predict``.
    :param signer: Signs the requests, if they are to be signed.
    :param timeout_s: Seconds without a byte of the answer.
    :param connections: Calls at the same time.
    """

    def __init__(self, url: str, *, signer: Signer | None, timeout_s: float, connections: int) -> None:
        self._url = url.rstrip("/")
        self._signer = signer
        self._timeout = (CONNECT_TIMEOUT_S, timeout_s)
        self._session = requests.Session()
        self._session.trust_env = not is_local(url)
        self._session.headers["user-agent"] = f"spacy-lambda/{__version__}"
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=connections))

    def predict(self, body: bytes) -> Any:
        """``POST /predict``."""
        return self._call("POST", "/predict", body)

    def get(self, path: str) -> Any:
        """``GET``."""
        return self._call("GET", path, None)

    def cost(self, text: str) -> int:
        """The bytes of the text in the body, which is itself a string in the function's event."""
        return len(to_json(to_json(text).decode("utf-8")))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        headers = {} if body is None else {"content-type": "application/json"}
        try:
            response = self._session.request(
                method,
                self._url + path,
                data=body,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
                # Given also where nothing is signed: requests would look for a password in ~/.netrc.
                auth=self._signed,
            )
        except requests.RequestException as exc:
            raise self._not_reached(exc) from exc
        return self._answer(response)

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Last before sending, when the bytes are what they will be; only what no proxy changes is signed."""
        if self._signer is not None:
            body = request.body or b""
            assert isinstance(body, bytes)
            kept = {name: str(request.headers[name]) for name in ("content-type",) if name in request.headers}
            request.headers.update(self._signer.headers(str(request.method), str(request.url), body, kept))
        return request

    def _answer(self, response: requests.Response) -> Any:
        status, body = response.status_code, response.content
        if status == 200:
            try:
                return json.loads(body)
            except ValueError as exc:
                raise CallFailed(InvokeError(f"{self._url} answered what is not JSON", remedy="check the URL")) from exc
        mistake = problem_error(status, body) if 400 <= status < 500 else None
        raise CallFailed(
            mistake or refused(self._url, status, response.text or response.reason),
            again=status in TRANSIENT,
            smaller=mistake is None and status in SMALLER,
            retry_after=response.headers.get("retry-after"),
        )

    def _not_reached(self, exc: requests.RequestException) -> CallFailed:
        timed_out = isinstance(exc, requests.ReadTimeout)
        lost = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
        error = InvokeError(
            f"{self._url} did not answer in {self._timeout[1]:g} s"
            if timed_out
            else f"{self._url} cannot be reached: {type(exc).__name__}",
            remedy="give a higher timeout_s" if timed_out else "check the URL and the network",
        )
        broken = isinstance(exc, requests.exceptions.SSLError)
        return CallFailed(error, again=isinstance(exc, lost) and not broken, smaller=timed_out)


def checked_url(url: str) -> str:
    """A URL that the API's paths can follow.

    :raises InvokeError: When it is not one; it is not repeated, for it may have a password or a key in it.
    """
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise InvokeError("the URL has a user name or a password in it", remedy="give it without")
    try:
        parts = urlsplit(url)
        whole = parts.hostname and parts.port != 0 and not parts.query and not parts.fragment
    except ValueError:
        whole = False
    if not whole:
        raise InvokeError("this is not the URL of a function", remedy="give https://HOST, with API Gateway /STAGE")
    return url.rstrip("/")
