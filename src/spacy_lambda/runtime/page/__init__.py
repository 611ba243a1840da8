"""The page: one file, ``index.html``, in which a person tries the pipeline.

It is off unless ``SPACY_LAMBDA_PAGE`` is ``on``. It loads nothing but itself, and calls ``predict`` and ``info`` beside
it. The policy names its style and its script by their hashes: nothing else in it can ever run
(https://www.w3.org/TR/CSP3/#framework-directive-source-list).
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from ..events.http.message import HttpResponse
from ..events.protocol import Function

__all__ = ["page_response"]

_INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


def page_response(function: Function) -> HttpResponse:
    """The page; it is the same for every function, and asks ``info`` what this one is."""
    page, policy = _read()
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
    }
    return HttpResponse(200, page, headers)


@cache
def _read() -> tuple[bytes, str]:
    """The file and its policy."""
    text = Path(__file__).with_name("index.html").read_text(encoding="utf-8")
    hashes: dict[str, list[str]] = {"style": [], "script": []}
    for kind, content in _INLINE.findall(text):
        hashes[kind].append(f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'")
    directives = (
        "default-src 'none'",
        *(f"{kind}-src {' '.join(found)}" for kind, found in hashes.items()),
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return text.encode(), "; ".join(directives)
