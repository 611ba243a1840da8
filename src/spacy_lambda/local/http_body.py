"""Reading the body of an HTTP request, up to a limit."""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest


class BodyTooLarge(Exception):
    """A body is over the limit; it was read to its end, so that the caller can be answered.

    :param size: The size of the body in bytes.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class IncompleteBody(Exception):
    """A body ended before it was complete."""


async def read_body(request: HttpRequest, limit: int) -> bytes:
    """Read a body completely, holding no more than the limit in memory.

    :param limit: Bytes at most.
    :raises BodyTooLarge: If there are more.
    :raises IncompleteBody: If the caller has gone before it was all there.
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
