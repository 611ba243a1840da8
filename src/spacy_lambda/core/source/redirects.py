"""HTTP redirects that never send the token to another origin.

The token follows a redirect only to the same scheme, host and port. Redirects from https to http are refused, and so is
every scheme except http and https.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from typing import IO, Any

from spacy_lambda.errors import StoreError

__all__ = ["MAX_REDIRECTS", "origin", "strict_opener"]

MAX_REDIRECTS = 5
PORTS = {"http": 80, "https": 443}


def strict_opener() -> urllib.request.OpenerDirector:
    """Return an opener for http and https, with this module's redirects.

    Set the token with :meth:`urllib.request.Request.add_unredirected_header`, as ``Authorization``.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _StrictRedirects(),
    ):
        opener.add_handler(handler)
    return opener


class _StrictRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects of the Hub: renamed repositories to itself, large files to other hosts, which get no token."""

    max_redirections = MAX_REDIRECTS
    max_repeats = 2

    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage
    ) -> Any:
        """Follow the redirect, or close the response and raise; an invalid URL is a ``ValueError``."""
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except (StoreError, ValueError):
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        old, target = origin(req.full_url), origin(newurl)
        if target is None or old is None or (old[0] == "https" and target[0] != "https"):
            raise StoreError(
                f"{req.full_url} redirects to {newurl[:200]!a}, which is refused",
                remedy="check HF_ENDPOINT and the network: a redirect goes from https to https, and to no user name",
            )
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is not None:
            new.remove_header("Authorization")
            token = req.unredirected_hdrs.get("Authorization")
            if token and target == old:
                new.add_unredirected_header("Authorization", token)
        return new


def origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port; ``None`` for a URL that is refused."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not parts.hostname or parts.username is not None or parts.password is not None:
        return None
    return parts.scheme, parts.hostname.rstrip("."), PORTS[parts.scheme] if port is None else port
