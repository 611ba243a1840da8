"""Wordpieces -> windows, and hidden states of windows -> hidden states of a Doc, as ``WithStridedSpans`` has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spacy_lambda.runtime.encoder import HiddenStates

__all__ = ["merge_windows", "window_bounds"]


def window_bounds(n_wordpieces: int, *, window: int, stride: int) -> list[tuple[int, int]]:
    """Return the bounds of the windows over all wordpieces of a Doc, special ones included.

    A window begins at every multiple of the stride, even where the one before reaches the end already.

    :param window: Wordpieces in a window.
    :param stride: Wordpieces from one window's start to the next one's.
    """
    return [(start, min(start + window, n_wordpieces)) for start in range(0, n_wordpieces, stride)]


def merge_windows(hidden: Sequence[HiddenStates], n_wordpieces: int, *, window: int, stride: int) -> HiddenStates:
    """Return one row for each wordpiece: where windows overlap, the average of both.

    The averages are taken from left to right, in place: the arrays of ``hidden`` change. A row in three windows is
    averaged twice, as in the original.

    :param hidden: Hidden states of each window, of one layer or of all. *Shape of each:* ``(…, n_wordpieces, width)``
    :param n_wordpieces: Wordpieces of the Doc.
    :returns: *Shape:* ``(…, n_wordpieces, width)``
    """
    if len(hidden) == 1:
        return hidden[0]
    shared = window - stride
    if shared:
        for number in range(1, len(hidden)):
            overlap = min(shared, n_wordpieces - number * stride)
            _average(hidden[number - 1][..., -overlap:, :], hidden[number][..., :overlap, :])
    return np.concatenate([part[..., :stride, :] for part in hidden], axis=-2)


def _average(left: npt.NDArray[np.float32], right: npt.NDArray[np.float32]) -> None:
    left += right
    left /= 2.0
    right[:] = left
