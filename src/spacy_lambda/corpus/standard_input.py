"""Standard input, recognized by its beginning, however few bytes of it arrive at a time."""

from __future__ import annotations

import codecs
import io
import re
import zlib
from typing import Any, BinaryIO, cast

__all__ = ["begun"]

GZIP_MAGIC = b"\x1f\x8b"
BLOCK_BYTES = 1 << 16
MAX_START_BYTES = 1 << 20
"""Bytes in which something other than blanks is looked for."""

ENOUGH = 4
"""Bytes after blanks that show the format; a byte order mark has three."""

JSON = re.compile(rb"\{|\[\s*\{")
"""The beginning of JSON Lines, or of an array, whose error is that of JSON Lines."""


def begun(stream: Any) -> tuple[BinaryIO, bool, bool]:
    """Read the beginning of a stream.

    :returns: All of the stream; whether it is a gzip file; and whether its content is JSON.
    :raises zlib.error: If it is a gzip file that is damaged.
    """
    start, packed, text = b"", False, b""
    while len(text) < ENOUGH and len(start) < MAX_START_BYTES and (block := stream.read1(BLOCK_BYTES)):
        start += block
        packed = start.startswith(GZIP_MAGIC)
        content = zlib.decompressobj(wbits=31).decompress(start, MAX_START_BYTES) if packed else start
        text = b"".join(content.removeprefix(codecs.BOM_UTF8).split(maxsplit=2))
    return cast(BinaryIO, io.BufferedReader(_Whole(start, stream))), packed, JSON.match(text) is not None


class _Whole(io.RawIOBase):
    """Bytes that were read, and the rest of their stream.

    :param start: The bytes.
    :param rest: The stream.
    """

    def __init__(self, start: bytes, rest: Any) -> None:
        self._start, self._rest = start, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        data = self._start[: len(view)] or self._rest.read1(len(view))
        self._start = self._start[len(data) :]
        view[: len(data)] = data
        return len(data)
