"""Reading an HTTP request: its body up to a limit, and the headers that are passed on to the function.

AWS's runtime client takes these headers as lines of ASCII of limited length, and ends when it meets anything else: what
it could not carry is refused here. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html has the limits.
"""

from __future__ import annotations

import base64
import json
import re

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest

from spacy_lambda.core.strict_json import parse_json

__all__ = ["BodyTooLarge", "IncompleteBody", "InvalidHeader", "read_body", "read_client_context", "read_trace_id"]

MAX_CLIENT_CONTEXT = 3583
"""Characters in base64; Lambda's own limit."""

MAX_TRACE_ID = 1024
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


class BodyTooLarge(Exception):
    """A body exceeds the limit; it was read to its end, so that the caller gets the response.

    :param size: The size of the body in bytes.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class IncompleteBody(Exception):
    """A body ended before it was complete."""


class InvalidHeader(Exception):
    """The value of a header cannot be passed on; the text gives the reason."""


async def read_body(request: HttpRequest, limit: int) -> bytes:
    """Read a body completely, holding no more than the limit in memory.

    :param limit: Maximum bytes.
    :raises BodyTooLarge: If there are more.
    :raises IncompleteBody: If the caller disconnects before its end.
    """
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                chunks.clear()
            else:
                chunks.append(chunk)
    except ClientDisconnect as exc:
        raise IncompleteBody("HTTP request detected as truncated") from exc
    if size > limit:
        raise BodyTooLarge(size)
    return b"".join(chunks)


def read_trace_id(value: str) -> str:
    """Return the value of ``X-Amzn-Trace-Id``, which the function has in an environment variable.

    :raises InvalidHeader: If it is too long, or not printable ASCII.
    """
    if len(value) > MAX_TRACE_ID:
        raise InvalidHeader(f"X-Amzn-Trace-Id has {len(value)} characters; the limit is {MAX_TRACE_ID}")
    if not _PRINTABLE.fullmatch(value):
        raise InvalidHeader("X-Amzn-Trace-Id must be printable ASCII")
    return value


def read_client_context(value: str) -> str:
    """Return the value of ``X-Amz-Client-Context``, decoded, in one line of ASCII; empty if there is none.

    :raises InvalidHeader: If it is not a JSON object in base64, or too long.
    """
    if not value:
        return ""
    if len(value) > MAX_CLIENT_CONTEXT:
        raise InvalidHeader(f"Client context has {len(value)} characters; the limit is {MAX_CLIENT_CONTEXT}")
    try:
        context = parse_json(base64.b64decode(value, validate=True))
        if isinstance(context, dict):
            # Encoded again: escapes for all but ASCII, and no line breaks.
            return json.dumps(context, allow_nan=False)
    except ValueError as exc:
        raise InvalidHeader("Client context must be a valid Base64-encoded JSON object.") from exc
    raise InvalidHeader("Client context must be a valid Base64-encoded JSON object.")
