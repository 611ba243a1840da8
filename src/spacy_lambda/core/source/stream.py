"""Pieces of any size as a stream."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["PieceStream"]


class PieceStream:
    """What a generator of pieces gives, by size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")

    def read(self, size: int, /) -> memoryview:
        """At most so many bytes, which are not copied; none at the end."""
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._piece = memoryview(piece)
        data, self._piece = self._piece[:size], self._piece[size:]
        return data
