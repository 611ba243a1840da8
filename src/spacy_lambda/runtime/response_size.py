"""The size of responses: over its limit, Lambda itself fails with an unhelpful message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from spacy_lambda.core.lambda_limits import RESPONSE_BYTES
from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.request import Request

__all__ = [
    "GZIP_RATIO",
    "UNMEASURED_CHARACTERS",
    "check_estimate",
    "check_response",
    "json_bytes",
    "too_large",
]

GZIP_RATIO = 20
"""Maximum ratio by which gzip makes a response smaller."""

TOKEN_BYTES = 90
"""Minimum bytes of a token in a response."""

UNMEASURED_CHARACTERS = 1 << 17
"""Characters up to which a response is not measured: JSON takes at most six bytes for each."""


def check_estimate(request: Request, tokens: int, limit: float) -> None:
    """Refuse a request before it is processed, if its response cannot be within the limit.

    :param tokens: Tokens of all its texts.
    :param limit: Maximum bytes.
    :raises RequestError: If the response would be larger.
    """
    if request.include is not None and "tokens" in request.include and tokens * TOKEN_BYTES > limit:
        raise too_large(f"the response would have more than {tokens * TOKEN_BYTES:,} bytes", limit, key="include")


def check_response(response: Any, *, limit: int = RESPONSE_BYTES) -> None:
    """Refuse a response that is over the limit.

    :raises RequestError: If it is.
    """
    if _is_small(response):
        return
    size = json_bytes(response)
    if size > limit:
        raise too_large(f"the response has {size:,} bytes", limit)


def json_bytes(value: Any) -> int:
    """Return the number of bytes that Lambda's runtime client makes of a value."""
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def too_large(what: str, limit: float, *, key: str | None = None) -> RequestError:
    """Return the error of a response over the limit."""
    return RequestError(
        f"{what}; the limit is {int(limit):,}",
        remedy='send fewer texts at once, request fewer parts in "include", or accept gzip over HTTP',
        key=key,
        status=413,
    )


def _is_small(response: Any) -> bool:
    """Return whether a response is far below every limit, by a count that stops early otherwise."""
    budget = UNMEASURED_CHARACTERS
    left = [response]
    while left and budget > 0:
        value = left.pop()
        if isinstance(value, Mapping):
            left.extend(value.values())
            budget -= 16 * len(value)
        elif isinstance(value, list):
            left.extend(value)
            budget -= len(value)
        else:
            budget -= len(value) if isinstance(value, str) else 24
    return budget > 0
