"""Access control of the local server: programs of this machine and its own page may send requests, other pages may not.

A browser lets any page send requests to ``127.0.0.1``. Three headers, which no page can forge, show their source:

- ``Host`` is the name that the browser has looked up. A page whose own name resolves to this address (DNS rebinding)
  has the same origin as far as the browser can see, and could read every response.
- ``Origin`` and ``Sec-Fetch-Site`` name the page that sends. A page of another origin cannot read responses, but its
  requests of type ``text/plain`` would be carried out.

Clients other than browsers do not send the latter two, and send the endpoint's host as ``Host``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterable

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from spacy_lambda.core.env_names import CORS_VARIABLE
from spacy_lambda.core.loopback import is_loopback
from spacy_lambda.errors import LocalLambdaError

__all__ = ["AccessMiddleware", "Origins", "host_names", "no_origins"]

Origins = Callable[[Scope], Collection[str] | None]
"""Returns the other origins whose pages may send a request, ``*`` for all; ``None`` if no page may."""

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.IGNORECASE | re.ASCII)
_OWN_SITE = frozenset({"same-origin", "none"})
_MAX_SHOWN = 100


class AccessMiddleware:
    """Refuses requests of web pages, before anything else reads them.

    :param app: Handles the other requests.
    :param names: Accepted host names, in addition to loopback ones and the address that a request came to.
    :param origins: Accepted origins other than the server's own, by request.
    """

    def __init__(self, app: ASGIApp, *, names: Collection[str], origins: Origins) -> None:
        self._app = app
        self._names = frozenset(names)
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or return 403."""
        forbidden = self._forbidden(scope) if scope["type"] == "http" else None
        await (self._app if forbidden is None else forbidden)(scope, receive, send)

    def _forbidden(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not _is_trusted(host, scope, self._names):
            return _refused(
                f"the request is for the host {host[:_MAX_SHOWN]!r}, which is not a known name of this server;"
                " to accept it, start the server with --allow-host NAME"
            )
        foreign = self._foreign(scope, headers, host.lower())
        if foreign is not None:
            return _refused(
                f"the request comes from a web page of another origin ({foreign[:_MAX_SHOWN]});"
                f" pages may call a function's URL only, where its variable {CORS_VARIABLE} names their origin"
                f" (--env {CORS_VARIABLE}=https://example.org)"
            )
        return None

    def _foreign(self, scope: Scope, headers: Headers, host: str) -> str | None:
        """Return the header of a page that may not send the request, or ``None``."""
        allowed = self._origins(scope)
        origins = {origin.lower() for origin in headers.getlist("origin")} - {f"http://{host}", f"https://{host}"}
        if allowed is not None and ("*" in allowed or (origins and origins <= {*allowed})):
            return None
        if origins:
            return f"Origin: {', '.join(sorted(origins))}"
        sites = {site.lower() for site in headers.getlist("sec-fetch-site")} - _OWN_SITE
        if not sites or (allowed is not None and _is_link(scope, headers)):
            return None
        return f"Sec-Fetch-Site: {', '.join(sorted(sites))}"


def no_origins(scope: Scope) -> None:
    """Allow no page to send requests."""


def host_names(names: Iterable[str], *, bound: str) -> frozenset[str]:
    """Check and normalize the names that a user adds.

    :param bound: The address that the server listens on.
    :raises LocalLambdaError: If one of them is not a host name.
    """
    found = {_normal(bound)}
    for name in names:
        match = _HOST.fullmatch(name) or _HOST.fullmatch(f"[{name}]")
        if match is None or match[0] != match["name"] or not re.search(r"\w", name):
            raise LocalLambdaError(
                f"--allow-host {name!r} is not a host name",
                remedy="write the name or the address alone, such as --allow-host devbox.example.org",
            )
        found.add(_normal(name))
    return frozenset(found)


def _is_trusted(host: str, scope: Scope, names: Collection[str]) -> bool:
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = _normal(match["name"])
    if name in names or is_loopback(name):
        return True
    address = _address(name)
    if address is None:
        return False
    # An address cannot be rebound by DNS. Only those of this machine are accepted.
    return address == _address(str((scope.get("server") or ("",))[0]))


def _is_link(scope: Scope, headers: Headers) -> bool:
    """Return whether a person followed a link; the page that has it cannot read the response."""
    return (
        scope["method"] in {"GET", "HEAD"}
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _normal(name: str) -> str:
    name = name.lower().strip("[]").removesuffix(".")
    return str(_address(name) or name)


def _address(name: str) -> IpAddress | None:
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _refused(message: str) -> ASGIApp:
    """Respond in the form of the Invoke API, from which clients of Lambda make their exceptions."""
    body = {"Type": "User", "Message": message, "message": message}
    headers = {"x-amzn-ErrorType": "AccessDeniedException", "x-content-type-options": "nosniff"}
    return JSONResponse(body, status_code=403, headers=headers)
