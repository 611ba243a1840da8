"""Alignment of wordpieces with tokens.

The same result as ``get_alignment_via_offset_mapping`` of spacy-transformers, computed with whole arrays. It rests
on one property: tokens cover a text without gaps (a token and the space after it), so the token of a character
grows with the character, and the tokens that a wordpiece touches are always a range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spacy_lambda.runtime.windows import Windows
from spacy_lambda.runtime.wordpieces import Wordpieces

__all__ = ["Alignment", "TokenBounds", "align"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TokenBounds:
    """Positions of the tokens of a text.

    :param starts: Character at which each token begins. *Shape:* ``(n_tokens,)``
    :param lengths: Characters in each token, without the space after it. *Shape:* ``(n_tokens,)``
    """

    starts: Ints
    lengths: Ints

    def text_bounds(self, start: int, end: int) -> tuple[int, int]:
        """Return the characters of the tokens from ``start`` to before ``end``, without the last one's space."""
        return int(self.starts[start]), int(self.starts[end - 1] + self.lengths[end - 1])


@dataclass(frozen=True)
class Alignment:
    """The rows of each token's wordpieces in the text's hidden states, windows one after the other.

    A token in two overlapping windows has rows in both; a token without wordpieces has none.

    :param rows: Rows of all tokens, token by token, ascending within a token. *Shape:* ``(lengths.sum(),)``
    :param lengths: Number of rows of each token. *Shape:* ``(n_tokens,)``
    """

    rows: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]

    def tokens(self, first: int, last: int) -> Alignment:
        """Return the alignment of the tokens from ``first`` to before ``last``."""
        if (first, last) == (0, len(self.lengths)):
            return self
        ends = np.concatenate([[0], np.cumsum(self.lengths)])
        lengths = self.lengths[first:last]
        return Alignment(self.rows[ends[first] :][: lengths.sum()], lengths)


def align(tokens: TokenBounds, windows: Windows, wordpieces: list[Wordpieces]) -> Alignment:
    """Align the tokens of one text with the wordpieces of its windows.

    As in spacy-transformers, there are only the tokens from the first window's start to the last one's end.

    :param tokens: The bounds of the tokens.
    :param windows: The text's windows.
    :param wordpieces: The wordpieces of each window, truncated to what the encoder sees.
    """
    token_parts: list[Ints] = []
    row_parts: list[Ints] = []
    first_row = 0
    for (start, end), wordpiece in zip(windows, wordpieces, strict=True):
        window_tokens, window_rows = _align_window(tokens, start, end, wordpiece.offsets)
        token_parts.append(window_tokens)
        row_parts.append(window_rows + first_row)
        first_row += len(wordpiece.ids)
    if not token_parts:
        return Alignment(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32))
    token = np.concatenate(token_parts)
    rows = np.concatenate(row_parts)
    if len(token_parts) > 1:
        order = np.argsort(token, kind="stable")
        token, rows = token[order], rows[order]
    lengths = np.bincount(token, minlength=len(tokens.starts))
    return Alignment(rows.astype(np.int32), lengths.astype(np.int32)).tokens(windows[0][0], windows[-1][1])


def _align_window(tokens: TokenBounds, start: int, end: int, offsets: Ints) -> tuple[Ints, Ints]:
    """Return the pairs of token (in the text) and wordpiece (in the window), sorted by token, then by wordpiece."""
    starts = tokens.starts[start:end]
    # Each token owns the characters up to the next one; the last one owns one more than its own.
    owned = np.append(np.diff(starts), tokens.lengths[end - 1] + 1)
    token_of_char = np.repeat(np.arange(start, end), owned)
    wordpiece_starts, wordpiece_ends = offsets[:, 0], np.minimum(offsets[:, 1], len(token_of_char))
    wordpiece = np.flatnonzero(wordpiece_starts < wordpiece_ends)
    first = token_of_char[wordpiece_starts[wordpiece]]
    last = token_of_char[wordpiece_ends[wordpiece] - 1]
    touched = last - first + 1
    if (touched == 1).all():
        token = first
    else:
        wordpiece = np.repeat(wordpiece, touched)
        within = np.arange(len(wordpiece)) - np.repeat(np.cumsum(touched) - touched, touched)
        token = np.repeat(first, touched) + within
    # Wordpieces come in the text's order, but one that spans tokens may begin before its neighbor ends.
    if len(token) > 1 and (np.diff(token) < 0).any():
        order = np.argsort(token, kind="stable")
        token, wordpiece = token[order], wordpiece[order]
    return token, wordpiece
