"""Merges of byte-level BPE as a table of numbers, which is loaded without parsing.

Each wordpiece has a number: its id, or one beyond all ids where the vocabulary lacks it or has two of the same id.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from io import BytesIO
from typing import Any, Self

import numpy as np
import numpy.typing as npt

__all__ = ["MERGES_FILE", "MergeTable"]

MERGES_FILE = "merges.npy"
"""A row for each merge, the first one first: the numbers of the left, the right and the resulting wordpiece."""

Row = npt.NDArray[np.unsignedinteger[Any]]

NUMBER_BITS = 32


class MergeTable:
    """Byte-level wordpieces and their merges.

    :param rows: The array in :data:`MERGES_FILE`. *Shape:* ``(n_merges, 3)``
    :param chars: Numbers of the characters that stand for bytes.
    :param others: Wordpieces of the numbers beyond all ids, with their ids, and the first of these numbers.
    """

    def __init__(self, rows: Row, chars: Mapping[str, int], others: Sequence[Sequence[Any]], first_other: int) -> None:
        self._rows = rows
        self._chars = dict(chars)
        self._others = [list(other) for other in others]
        self._first_other = first_other
        left, right, results = rows.T.astype(np.uint64)
        pairs = left << NUMBER_BITS | right
        ranks = pairs.argsort()
        # Python reads single numbers from its own arrays faster than from numpy's.
        self._pairs = array("Q", pairs[ranks].tobytes())
        self._ranks = array("Q", ranks.astype(np.uint64).tobytes())
        self._results = array("Q", results.tobytes())

    @classmethod
    def from_pairs(cls, vocab: Mapping[str, int], pairs: Sequence[tuple[str, str]], chars: Sequence[str]) -> Self:
        """Return the table of a vocabulary.

        :param vocab: Ids by wordpiece.
        :param pairs: Wordpieces to join, each pair once, the first ones first.
        :param chars: Characters that stand for bytes.
        """
        first_other = max(vocab.values(), default=-1) + 1
        numbers: dict[str, int] = {}
        others: list[tuple[str, int | None]] = []
        taken: set[int] = set()
        for wordpiece in dict.fromkeys([*chars, *map("".join, pairs)]):
            known = vocab.get(wordpiece)
            if known is None or known in taken:
                numbers[wordpiece] = first_other + len(others)
                others.append((wordpiece, known))
            else:
                numbers[wordpiece] = known
                taken.add(known)
        possible = [pair for pair in pairs if pair[0] in numbers and pair[1] in numbers]
        columns = (
            [numbers[left] for left, _ in possible],
            [numbers[right] for _, right in possible],
            [numbers[left + right] for left, right in possible],
        )
        dtype = "<u2" if first_other + len(others) <= 2**16 else "<u4"
        rows = np.ascontiguousarray(np.array(columns, dtype=dtype).T)
        return cls(rows, {char: numbers[char] for char in chars}, others, first_other)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, merging the first pair of the table wherever it is, until no pair is left.

        :param text: Characters that stand for bytes.
        :raises KeyError: If the vocabulary lacks a resulting wordpiece.
        """
        numbers = self._merge([self._chars[char] for char in text])
        if not self._others:
            return numbers
        return [number if number < self._first_other else self._other_id(number) for number in numbers]

    def to_dict(self) -> dict[str, Any]:
        """Return all but the merges as JSON values."""
        return {"chars": self._chars, "others": self._others, "first_other": self._first_other}

    def to_bytes(self) -> bytes:
        """Return the contents of :data:`MERGES_FILE`."""
        file = BytesIO()
        np.save(file, self._rows, allow_pickle=False)
        return file.getvalue()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], merges: bytes) -> Self:
        """Read what :meth:`to_dict` and :meth:`to_bytes` returned."""
        rows = np.load(BytesIO(merges), allow_pickle=False)
        return cls(rows, values["chars"], values["others"], values["first_other"])

    def _other_id(self, number: int) -> int:
        wordpiece, known = self._others[number - self._first_other]
        if known is None:
            raise KeyError(wordpiece)
        return int(known)

    def _rank(self, left: int, right: int) -> int | None:
        pair = left << NUMBER_BITS | right
        index = bisect_left(self._pairs, pair)
        return self._ranks[index] if index < len(self._pairs) and self._pairs[index] == pair else None

    def _merge(self, numbers: list[int]) -> list[int]:
        """Merge the pair of the lowest rank wherever it is, from left to right, until no pair has a rank."""
        parts: list[int | None] = list(numbers)
        after = list(range(1, len(parts) + 1))
        before = list(range(-1, len(parts) - 1))

        def rank_at(place: int) -> int | None:
            follower = after[place]
            left = parts[place]
            right = parts[follower] if follower < len(parts) else None
            return None if left is None or right is None else self._rank(left, right)

        places = [(rank, place) for place in range(len(parts)) if (rank := rank_at(place)) is not None]
        heapify(places)
        while places:
            lowest = places[0][0]
            round_: list[int] = []
            while places and places[0][0] == lowest:
                round_.append(heappop(places)[1])
            for place in round_:
                if rank_at(place) != lowest:  # the merge before it took a part of it
                    continue
                follower = after[place]
                parts[place] = self._results[lowest]
                parts[follower] = None
                after[place] = after[follower]
                if after[place] < len(parts):
                    before[after[place]] = place
                for changed in (before[place], place):
                    if changed >= 0 and (rank := rank_at(changed)) is not None:
                        heappush(places, (rank, changed))
        return [part for part in parts if part is not None]
