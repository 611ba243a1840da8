"""Identifiers of documents -> those that occur more than once, in bounded memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

__all__ = ["MAX_IDS", "Duplicates", "SeenIds"]

EXAMPLES = 3
BLOCK = 50_000
"""Identifiers that are held as such; of the others, 8 bytes each."""

MAX_IDS = 2_000_000
"""Identifiers that are compared: 16 MB."""


@dataclass(frozen=True)
class Duplicates:
    """Documents with the identifier of an earlier one.

    :param documents: Their number.
    :param examples: The first of these identifiers.
    :param compared: The number of documents whose identifiers were compared, the first ones of the corpus.
    """

    documents: int = 0
    examples: tuple[str, ...] = ()
    compared: int = 0


class SeenIds:
    """The identifiers of a corpus so far. They are compared as text, because that is what CSV and Parquet have.

    Of two million identifiers, two different ones are taken for equal with a probability of one in ten million.
    """

    def __init__(self) -> None:
        self._block: dict[int, str] = {}
        self._documents = self._compared = 0
        self._examples: dict[str, None] = {}
        self._earlier: Any = None

    def add(self, id: str | int) -> None:
        """Compare an identifier with the earlier ones."""
        if self._compared == MAX_IDS:
            return
        self._compared += 1
        text = str(id)
        key = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
        if key in self._block:
            self._found(text)
            return
        self._block[key] = text
        if len(self._block) == BLOCK:
            self._merge()

    def duplicates(self) -> Duplicates:
        """Return those so far."""
        self._merge()
        return Duplicates(self._documents, tuple(self._examples), self._compared)

    def _found(self, text: str) -> None:
        self._documents += 1
        if len(self._examples) < EXAMPLES:
            self._examples[text] = None

    def _merge(self) -> None:
        """Compare a block with the sorted earlier ones, and add it to these."""
        import numpy as np  # after the command's own errors

        keys = np.fromiter(self._block, dtype=np.uint64, count=len(self._block))
        if self._earlier is None:
            self._earlier = np.zeros(0, dtype=np.uint64)
        known = np.isin(keys, self._earlier, assume_unique=True)
        for text, is_known in zip(self._block.values(), known.tolist(), strict=True):
            if is_known:
                self._found(text)
        new = np.sort(keys[~known])
        self._earlier = np.insert(self._earlier, np.searchsorted(self._earlier, new), new)
        self._block.clear()
