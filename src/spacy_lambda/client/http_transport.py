"""The transport that sends to the HTTP API: a Function URL, API Gateway, or the local Lambda."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from spacy_lambda import __version__
from spacy_lambda.client.call_errors import CHECK, TRANSIENT, nothing_listens, status_error, timed_out, unusable_body
from spacy_lambda.client.deadline import CONNECT_TIMEOUT_S, Deadline, current_deadline, watched
from spacy_lambda.client.response_body import CHUNK_BYTES, BodyError, read_body
from spacy_lambda.client.service_failures import is_gateway, status_failure
from spacy_lambda.client.transport import CallError, to_json
from spacy_lambda.core.foreign_errors import connection_reason
from spacy_lambda.core.loopback import is_loopback_url
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.core.wire_errors import from_problem
from spacy_lambda.errors import InvokeError

if TYPE_CHECKING:
    from spacy_lambda.client.signing import Signer

__all__ = ["HttpTransport", "WatchedAdapter", "check_url"]

SPLITTABLE = frozenset({413, 500, 502, 504})
"""HTTP statuses after which fewer texts may succeed. A function that fails, times out or returns too much is a 502 of a
Function URL, and a 500 or 504 of API Gateway."""

CONNECTION_ERRORS = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
)


REFUSED = os.strerror(errno.ECONNREFUSED)


class WatchedAdapter(HTTPAdapter):
    """Connections of requests that end with the call's deadline, also through proxies."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = watched(self.poolmanager.pool_classes_by_scheme)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Make the pools of a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = watched(manager.pool_classes_by_scheme)
        return manager


class HttpTransport:
    """A function behind a URL.

    :param url: The part before ``/predict``.
    :param signer: Signs the requests; ``None`` sends them unsigned.
    :param timeout_s: Seconds for a call without a deadline.
    :param connections: Maximum concurrent calls.
    :param max_answer_bytes: Maximum bytes of a response, compressed and uncompressed.
    """

    def __init__(
        self, url: str, *, signer: Signer | None, timeout_s: float, connections: int, max_answer_bytes: int
    ) -> None:
        self._url = url.rstrip("/")
        self._signer = signer
        self._timeout_s = timeout_s
        self._max_answer_bytes = max_answer_bytes
        self._session = requests.Session()
        self._session.trust_env = not is_loopback_url(url)
        self._session.headers["user-agent"] = f"spacy-lambda/{__version__}"
        self._session.headers["accept-encoding"] = "gzip"
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, WatchedAdapter(pool_maxsize=connections))

    def predict(self, body: bytes) -> Any:
        """Send ``POST /predict``."""
        return self._call("POST", "/predict", body)

    def get(self, path: str) -> Any:
        """Send a ``GET``."""
        return self._call("GET", path, None)

    def cost(self, text: str) -> int:
        """Return the bytes of the text in the body, which is itself a string in the function's event."""
        return len(to_json(to_json(text).decode("utf-8")))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        with current_deadline(self._timeout_s) as deadline:
            began = time.monotonic()
            try:
                status, answer, headers = self._exchange(method, path, body, deadline)
            except BodyError as exc:
                raise unusable_body(self._url, exc) from exc
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
                raise self._not_reached(exc, deadline) from exc
        return self._answer(status, answer, headers, seconds=time.monotonic() - began)

    def _exchange(
        self, method: str, path: str, body: bytes | None, deadline: Deadline
    ) -> tuple[int, bytes, Mapping[str, str]]:
        deadline.check()
        response = self._session.request(
            method,
            self._url + path,
            data=body,
            headers={} if body is None else {"content-type": "application/json"},
            timeout=(min(CONNECT_TIMEOUT_S, deadline.left), deadline.left),
            allow_redirects=False,
            # Passed even without a signer: requests would look for a password in ~/.netrc.
            auth=self._signed,
            stream=True,
        )
        chunks = response.raw.stream(CHUNK_BYTES, decode_content=False)
        with response:
            answer = read_body(chunks, response.headers.get("content-encoding"), limit=self._max_answer_bytes)
        deadline.check()
        return response.status_code, answer, response.headers

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the final bytes, and only the headers that no proxy changes."""
        if self._signer is not None:
            body = request.body or b""
            assert isinstance(body, bytes)
            kept = {name: str(request.headers[name]) for name in ("content-type",) if name in request.headers}
            request.headers.update(self._signer.headers(str(request.method), str(request.url), body, kept))
        return request

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str], *, seconds: float) -> Any:
        if status == 200:
            try:
                return parse_json(body)
            except ValueError as exc:
                raise CallError(InvokeError(f"{self._url} returned invalid JSON: {exc}", remedy=CHECK)) from exc
        request_error = from_problem(body) if 400 <= status < 500 else None
        failure = status_failure(status, seconds=seconds, gateway=is_gateway(self._url, headers))
        details = body[:1000].decode("utf-8", "replace") or "an empty body"
        raise CallError(
            request_error or status_error(self._url, status, details, failure=failure),
            retryable=status in TRANSIENT and not (failure is not None and failure.lasting),
            splittable=status in SPLITTABLE or (failure is not None and failure.lasting),
            retry_after=headers.get("retry-after"),
        )

    def _not_reached(self, exc: Exception, deadline: Deadline) -> CallError:
        timeouts = (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)
        if deadline.is_over or isinstance(exc, timeouts):
            return timed_out(self._url, deadline.seconds)
        reason, remedy = connection_reason(exc), "check the URL and the network"
        if reason == REFUSED and is_loopback_url(self._url):
            reason, remedy = nothing_listens(self._url)
        error = InvokeError(f"{self._url} cannot be reached: {reason}", remedy=remedy)
        retryable = isinstance(exc, CONNECTION_ERRORS) and not isinstance(exc, requests.exceptions.SSLError)
        return CallError(error, retryable=retryable)


def check_url(url: str) -> str:
    """Return a URL to which the API's paths can be appended.

    :raises InvokeError: If it is not one. The message does not repeat it, as it may contain a password or a key.
    """
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise InvokeError("the URL has a user name or a password in it", remedy="remove them from the URL")
    try:
        parts = urlsplit(url)
        whole = parts.hostname and parts.port != 0 and not parts.query and not parts.fragment
    except ValueError:
        whole = False
    if not whole:
        raise InvokeError("this is not the URL of a function", remedy="give https://HOST, and /STAGE for API Gateway")
    return url.rstrip("/")
