"""Streams that are read by size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

__all__ = ["CHUNK_BYTES", "ChunkStream", "Readable"]

CHUNK_BYTES = 1 << 20
"""Bytes that are read at once from files, stores and archives."""


class Readable(Protocol):
    """A stream that returns at most as many bytes as requested."""

    def read(self, size: int, /) -> bytes | memoryview: ...


class ChunkStream:
    """The chunks of a generator as a stream.

    :param chunks: Bytes, in chunks of any size.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = memoryview(b"")

    def read(self, size: int, /) -> memoryview:
        """Return at most ``size`` bytes without copying them; none at the end."""
        while not self._chunk:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._chunk = memoryview(chunk)
        data, self._chunk = self._chunk[:size], self._chunk[size:]
        return data
