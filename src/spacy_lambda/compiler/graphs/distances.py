"""The distances between a window's wordpieces as a part of a graph, for attention that depends on them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spacy_lambda.compiler.graphs.builder import GraphBuilder
from spacy_lambda.runtime.encoder import INPUT

__all__ = ["Distances"]


class Distances:
    """The distances from ``1 - wordpieces`` to ``wordpieces``, as indices of tables.

    :param farthest: Tables have an entry for each distance from ``-farthest`` to ``farthest``; what is farther has the
        first or the last.
    """

    def __init__(self, g: GraphBuilder, farthest: int) -> None:
        self._g = g
        self._zero, self._one = _constants(g, 0, 1)
        self._length = g.op("Shape", INPUT, start=1, end=2)
        length, one, limit = g.op("Squeeze", self._length), *(g.const(np.array(value)) for value in (1, farthest))
        distances = g.op("Range", g.op("Sub", one, length), g.op("Add", length, one), one)
        self.indices = g.op("Add", g.op("Clip", distances, g.op("Neg", limit), limit), limit)
        self._begin = g.op("Sub", self._length, self._one)
        taken = g.op("Mul", self._length, g.op("Add", self._length, self._begin))
        self._end = g.op("Add", self._begin, taken)
        self._rows = g.op("Concat", self._zero, self._zero, self._length, *_constants(g, -1), axis=0)

    def repeat(self, row: str) -> str:
        """Return a row of values for each wordpiece. *Shape:* ``(1, heads, wordpieces, 2 * wordpieces)``

        :param row: A value for each distance. *Shape:* ``(1, heads, 1, 2 * wordpieces)``
        """
        shape = self._g.op("Concat", self._one, self._one, self._length, self._one, axis=0)
        return self._g.op("Expand", row, shape)

    def align(self, values: str) -> str:
        """Return each wordpiece's values by the other wordpiece. *Shape:* ``(batch, heads, wordpieces, wordpieces)``

        Of row ``i`` these are the columns from ``wordpieces - 1 - i`` on. In the flattened matrix these rows are
        ``2 * wordpieces - 1`` apart, so that two slices do what a gather would do element by element.

        :param values: By distance, the other's position less its own.
            *Shape:* ``(batch, heads, wordpieces, 2 * wordpieces)``
        """
        g = self._g
        flat = g.op("Reshape", values, g.const(np.array([0, 0, -1])))
        part = g.op("Slice", flat, self._begin, self._end, *_constants(g, 2))
        return g.op("Slice", g.op("Reshape", part, self._rows), self._zero, self._length, *_constants(g, 3))


def _constants(g: GraphBuilder, *values: int) -> list[str]:
    arrays: list[npt.NDArray[np.int64]] = [np.array([value]) for value in values]
    return [g.const(array) for array in arrays]
