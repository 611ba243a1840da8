"""The page: one file, ``index.html``, in which a person tries the pipeline.

It is off unless ``SPACY_LAMBDA_PAGE`` is ``on``. It loads nothing but itself, and calls its own ``predict`` and
``info``, and those of the one other function that ``SPACY_LAMBDA_COMPARE`` names. The policy names its style and its
script by their hashes: nothing else in it can run (https://www.w3.org/TR/CSP3/#framework-directive-source-list).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from spacy_lambda.runtime.events.http.message import HttpResponse
from spacy_lambda.runtime.events.http.page_settings import other_function
from spacy_lambda.runtime.predictor import Predictor

__all__ = ["page_response"]

_INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


def page_response(predictor: Predictor) -> HttpResponse:
    """Return the page; it is the same for every function, and reads ``info`` of this one."""
    page, hashes = _read()
    other = other_function(predictor.environ)
    called = ("'self'", other.origin) if other and other.origin else ("'self'",)
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": _policy({**hashes, "img": ("data:",), "connect": called}),
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
    }
    return HttpResponse(200, page, headers)


@cache
def _read() -> tuple[bytes, dict[str, tuple[str, ...]]]:
    """Return the file, and the hashes of its contents, by kind."""
    text = Path(__file__).with_name("index.html").read_text(encoding="utf-8")
    hashes: dict[str, tuple[str, ...]] = {"style": (), "script": ()}
    for kind, content in _INLINE.findall(text):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        hashes[kind] = (*hashes[kind], f"'sha256-{digest}'")
    return text.encode(), hashes


def _policy(sources: Mapping[str, tuple[str, ...]]) -> str:
    """Return the page's content security policy.

    :param sources: The allowed sources, by kind; all others are forbidden.
    """
    allowed = (f"{kind}-src {' '.join(names)}" for kind, names in sources.items())
    return "; ".join(
        ("default-src 'none'", *allowed, "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'")
    )
