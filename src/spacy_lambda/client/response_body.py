"""The bytes of a response, up to a maximum."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

__all__ = ["CHUNK_BYTES", "MAX_ANSWER_BYTES", "BodyError", "read_body"]

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""Ten times Lambda's maximum, as responses may be compressed."""

CHUNK_BYTES = 64 * 1024
GZIP = 31


class BodyError(Exception):
    """A body that is too large, or does not match its headers.

    :param too_large: True for the former.
    """

    def __init__(self, message: str, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.too_large = too_large


def read_body(chunks: Iterable[bytes], encoding: str | None, *, limit: int) -> bytes:
    """Read and uncompress a body, stopping as soon as it is too large.

    :param chunks: Its bytes as they are sent.
    :param encoding: Its ``Content-Encoding``.
    :raises BodyError: If it has more bytes than the limit, or cannot be uncompressed.
    """
    body = bytearray()
    for part in _unpacked(chunks, (encoding or "identity").strip().lower(), limit + 1):
        body += part
        if len(body) > limit:
            raise BodyError(f"more than {limit:,} bytes", too_large=True)
    return bytes(body)


def _unpacked(chunks: Iterable[bytes], encoding: str, max_bytes: int) -> Iterator[bytes]:
    if encoding in ("identity", ""):
        yield from chunks
        return
    if encoding not in ("gzip", "x-gzip"):
        raise BodyError(f"the content encoding {encoding[:40]!r}, which was not requested")
    unpacking = zlib.decompressobj(GZIP)
    try:
        for chunk in chunks:
            yield unpacking.decompress(chunk, max_bytes)
    except zlib.error as exc:
        raise BodyError(f"invalid gzip data: {exc}") from exc
    if not unpacking.eof:
        raise BodyError("truncated gzip data")
