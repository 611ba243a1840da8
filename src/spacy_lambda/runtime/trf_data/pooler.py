"""The pooled output of a window, which transformers computes from the hidden states of its first wordpiece."""

from __future__ import annotations

from io import BytesIO
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["POOLED", "Pooler", "read_pooler"]

POOLED = "pooler_output"

Arrays = npt.NDArray[np.float32]


class Pooler(NamedTuple):
    """A linear layer and tanh.

    :param weight: *Shape:* ``(width, width)``
    :param bias: *Shape:* ``(width,)``
    """

    weight: Arrays
    bias: Arrays

    def __call__(self, first: Arrays) -> Arrays:
        """Return the pooled output of windows.

        :param first: Hidden states of their first wordpieces. *Shape:* ``(n_windows, width)``
        """
        return np.asarray(np.tanh(first @ self.weight.T + self.bias), dtype=np.float32)

    def to_bytes(self) -> bytes:
        """Return both as one array of numpy's format."""
        buffer = BytesIO()
        np.save(buffer, np.column_stack([self.weight, self.bias]))
        return buffer.getvalue()


def read_pooler(content: bytes) -> Pooler:
    """Read what :meth:`Pooler.to_bytes` returned."""
    array = np.load(BytesIO(content))
    return Pooler(np.ascontiguousarray(array[:, :-1]), np.ascontiguousarray(array[:, -1]))
