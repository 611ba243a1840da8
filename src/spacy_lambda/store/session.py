"""huggingface_hub's requests, while a store uses it: the token goes to the endpoint and nowhere else.

huggingface_hub sends its token wherever an answer says: to the next page of a listing, to where an upload is verified.
Here each request passes a guard before it leaves, the first as well as those that follow redirects.
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
REMEDY = "check HF_ENDPOINT and the network: requests go from https to https, and to no user name"

_working = RLock()
"""Held while huggingface_hub is configured, which it is for the whole process: two stores would undo each other."""


@contextmanager
def guarded_requests(endpoint: str) -> Iterator[None]:
    """Let huggingface_hub send nothing secret to other origins, in all of its threads, until the context ends.

    Sessions are made as before, by the user's own factory where there is one, and the guard is put around what they
    connect with. Uploads to other hosts, which are signed by their URLs, go there without the token.

    :param endpoint: The Hub's address; its scheme, host and port get the token.
    """

    token = get_token() or ""

    def guarded() -> requests.Session:
        return _guarded(before(), endpoint, token)

    with _working:
        before: Callable[[], requests.Session] = _http._GLOBAL_BACKEND_FACTORY
        configure_http_backend(guarded)
        try:
            yield
        finally:
            # Somebody else may have configured it meanwhile: that stays.
            if _http._GLOBAL_BACKEND_FACTORY is guarded:
                configure_http_backend(before)


def _guarded(session: requests.Session, endpoint: str, token: str) -> requests.Session:
    """A copy, for the factory may give the same session to others."""
    guarded = object.__new__(type(session))
    guarded.__dict__.update(session.__dict__)
    guarded.cookies = copy.copy(session.cookies)
    guarded.max_redirects = min(session.max_redirects, MAX_REDIRECTS)
    guarded.adapters = OrderedDict((at, _Guard(adapter, endpoint, token)) for at, adapter in session.adapters.items())
    return guarded


class _Guard(BaseAdapter):
    """Sends what may be sent by another adapter."""

    def __init__(self, adapter: BaseAdapter, endpoint: str, token: str) -> None:
        super().__init__()
        self._adapter = adapter
        self._endpoint = origin(endpoint)
        self._token = token

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        """Send without what is secret where it is not for the endpoint, and look where the answer leads.

        :raises StoreError: When the request or the redirect is refused.
        """
        url = request.url or ""
        target = origin(url)
        if target is None or (self._endpoint is not None and self._endpoint[0] == "https" != target[0]):
            raise StoreError(f"a request of {_shown(url)} is refused", remedy=REMEDY)
        if target != self._endpoint:
            _strip(request, self._token)
        response = self._adapter.send(request, *arguments, **named)
        # What a session's own authentication sends again passes here too.
        response.connection = self  # type: ignore[assignment]
        if response.is_redirect:
            _check_redirect(url, response)
        return response

    def close(self) -> None:
        """Close what the other adapter has open."""
        self._adapter.close()


def _strip(request: requests.PreparedRequest, token: str) -> None:
    """Remove credentials, and the token under whatever name it is sent."""
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
    """For a message: without the query, which is what signs a URL, and without a password."""
    plain = url.partition("?")[0]
    scheme, slashes, rest = plain.partition("//")
    return ascii((scheme + slashes + rest.rpartition("@")[2])[:200])
