"""A guard for huggingface_hub's requests: the token goes to the Hub's endpoint alone.

huggingface_hub sends its token to every address that a response names: the next page of a listing, the verification of
an upload. The guard checks each request before it is sent, those that follow redirects too.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any
from urllib.parse import urljoin

import requests
from huggingface_hub import configure_http_backend, get_token
from huggingface_hub.utils import _http
from requests.adapters import BaseAdapter

from spacy_lambda.core.source.redirects import MAX_REDIRECTS, origin
from spacy_lambda.errors import StoreError

__all__ = ["guarded_requests"]

SECRET_HEADERS = ("Authorization", "Cookie")
REMEDY = "check HF_ENDPOINT and the network: redirects from https to http and URLs with a user name are refused"

_in_use = RLock()
"""Held while huggingface_hub is configured. Its configuration is the process's: two stores would undo each other's."""


@contextmanager
def guarded_requests(endpoint: str) -> Iterator[None]:
    """Keep huggingface_hub from sending secrets to other origins, in all of its threads, until the context ends.

    The previous factory, possibly the user's own, still makes the sessions; the guard wraps their adapters. Uploads to
    other hosts, which are authorized by their URLs, are sent without the token.

    :param endpoint: The Hub's address; its scheme, host and port get the token.
    """

    token = get_token() or ""

    def guarded() -> requests.Session:
        return _guarded(before(), endpoint, token)

    with _in_use:
        before: Callable[[], requests.Session] = _http._GLOBAL_BACKEND_FACTORY
        configure_http_backend(guarded)
        try:
            yield
        finally:
            # Keep a configuration that was changed meanwhile.
            if _http._GLOBAL_BACKEND_FACTORY is guarded:
                configure_http_backend(before)


def _guarded(session: requests.Session, endpoint: str, token: str) -> requests.Session:
    """Return a guarded copy; the factory may share the session with others."""
    guarded = object.__new__(type(session))
    guarded.__dict__.update(session.__dict__)
    guarded.cookies = copy.copy(session.cookies)
    guarded.max_redirects = min(session.max_redirects, MAX_REDIRECTS)
    guarded.adapters = OrderedDict((at, _Guard(adapter, endpoint, token)) for at, adapter in session.adapters.items())
    return guarded


class _Guard(BaseAdapter):
    """Checks requests and redirects before another adapter sends them."""

    def __init__(self, adapter: BaseAdapter, endpoint: str, token: str) -> None:
        super().__init__()
        self._adapter = adapter
        self._endpoint = origin(endpoint)
        self._token = token

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        """Send a request, to other hosts than the endpoint without secrets, and check a redirect.

        :raises StoreError: If the request or the redirect is refused.
        """
        url = request.url or ""
        target = origin(url)
        if target is None or (self._endpoint is not None and self._endpoint[0] == "https" != target[0]):
            raise StoreError(f"the request for {_shown(url)} is refused", remedy=REMEDY)
        if target != self._endpoint:
            _strip(request, self._token)
        response = self._adapter.send(request, *arguments, **named)
        # Requests that a session's own authentication repeats pass the guard too.
        response.connection = self  # type: ignore[assignment]
        if response.is_redirect:
            _check_redirect(url, response)
        return response

    def close(self) -> None:
        """Close the other adapter."""
        self._adapter.close()


def _strip(request: requests.PreparedRequest, token: str) -> None:
    """Remove credentials, and any header that contains the token."""
    for name, value in list(request.headers.items()):
        if name.title() in SECRET_HEADERS or (token and token in str(value)):
            del request.headers[name]


def _check_redirect(url: str, response: requests.Response) -> None:
    try:
        location = urljoin(url, response.headers["location"])
    except ValueError:
        location = response.headers["location"]
    target = origin(location)
    if target is None or (url.lower().startswith("https:") and target[0] != "https"):
        response.close()
        raise StoreError(f"{_shown(url)} redirects to {_shown(location)}, which is refused", remedy=REMEDY)


def _shown(url: str) -> str:
    """Return a URL for a message: without the query, which may be a signature, and without a password."""
    plain = url.partition("?")[0]
    scheme, slashes, rest = plain.partition("//")
    return ascii((scheme + slashes + rest.rpartition("@")[2])[:200])
