"""The wordpieces of a Doc's windows, padded, as in spacy-transformers' ``WordpieceBatch``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from spacy_lambda.runtime.encoder_output import EncodedWordpieces, OutputFormat

__all__ = ["Padding", "WordpieceBatch", "pad_wordpieces"]


@dataclass(frozen=True)
class WordpieceBatch:
    """Wordpieces of windows of equal length, padded.

    :param strings: The wordpieces of each window as strings.
    :param input_ids: Their vocabulary ids. *Shape:* ``(n_windows, longest)``
    :param attention_mask: 1 for wordpieces, 0 for padding. *Shape:* ``(n_windows, longest)``
    :param lengths: Wordpieces of each window without padding.
    :param token_type_ids: Token types, where the tokenizer gives them. *Shape:* ``(n_windows, longest)``
    """

    strings: list[list[str]]
    input_ids: npt.NDArray[np.int64]
    attention_mask: npt.NDArray[np.float32]
    lengths: list[int]
    token_type_ids: npt.NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.strings)

    def __getitem__(self, index: int | slice) -> WordpieceBatch:
        """Return some of the windows."""
        chosen = slice(index, index + 1) if isinstance(index, int) else index
        types = self.token_type_ids
        return WordpieceBatch(
            self.strings[chosen],
            self.input_ids[chosen],
            self.attention_mask[chosen],
            self.lengths[chosen],
            None if types is None else types[chosen],
        )

    def to_hf_dict(self) -> dict[str, Any]:
        """Return them under the names of transformers' tokenizers."""
        found: dict[str, Any] = {"input_ids": self.input_ids, "attention_mask": self.attention_mask}
        found["input_texts"] = self.strings
        if self.token_type_ids is not None:
            found["token_type_ids"] = self.token_type_ids
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return all fields."""
        return {
            "strings": self.strings,
            "input_ids": self.input_ids,
            "attention_mask": self.attention_mask,
            "lengths": self.lengths,
            "token_type_ids": self.token_type_ids,
        }


@dataclass(frozen=True)
class Padding:
    """Windows of different lengths as rows of equal length.

    :param lengths: Wordpieces of each window. *Shape:* ``(n_windows,)``
    :param is_left: ``True`` if padding comes first.
    """

    lengths: npt.NDArray[np.int32]
    is_left: bool = False

    @property
    def longest(self) -> int:
        """Wordpieces of the longest window."""
        return int(self.lengths.max(initial=0))

    @property
    def shape(self) -> tuple[int, int]:
        """Number of windows, and of wordpieces in each."""
        return len(self.lengths), self.longest

    @cached_property
    def places(self) -> npt.NDArray[np.int64]:
        """Padded place of each wordpiece. *Shape:* ``(n_wordpieces,)``"""
        ends = np.cumsum(self.lengths, dtype=np.int64)
        before = np.arange(len(self.lengths)) * self.longest - (ends - self.lengths)
        if self.is_left:
            before += self.longest - self.lengths
        return np.asarray(np.arange(int(self.lengths.sum())) + np.repeat(before, self.lengths), dtype=np.int64)

    def pad(self, values: npt.NDArray[Any], fill: Any = 0) -> npt.NDArray[Any]:
        """Return the values of all wordpieces as padded windows; no copy where there is nothing to pad."""
        shape = (*self.shape, *values.shape[1:])
        if len(values) == shape[0] * shape[1]:
            return values.reshape(shape)
        padded = np.full((shape[0] * shape[1], *values.shape[1:]), fill, dtype=values.dtype)
        padded[self.places] = values
        return padded.reshape(shape)


def pad_wordpieces(wordpieces: EncodedWordpieces, form: OutputFormat) -> WordpieceBatch:
    """Return the wordpieces of a Doc as the original gives them."""
    padding = Padding(wordpieces.lengths, form.padding_side == "left")
    ends = np.cumsum(wordpieces.lengths).tolist()
    starts = [0, *ends[:-1]] if ends else []
    rows = [wordpieces.strings[start:end] for start, end in zip(starts, ends, strict=True)]
    pads = [[form.pad_token] * (padding.longest - len(row)) for row in rows]
    strings = [[*pad, *row] if padding.is_left else [*row, *pad] for row, pad in zip(rows, pads, strict=True)]
    types = np.zeros(len(wordpieces.ids), dtype=np.int64) if wordpieces.types is None else wordpieces.types
    # spacy-transformers counts a wordpiece of the padding's name as padding, and in truncated windows, everything.
    counted = [sum(one != form.pad_token for one in row) for row in strings]
    truncates = 0 < form.max_length <= padding.longest
    return WordpieceBatch(
        strings,
        padding.pad(wordpieces.ids.astype(np.int64), form.pad_id),
        padding.pad(np.ones(len(wordpieces.ids), dtype=np.float32)),
        [padding.longest] * len(rows) if truncates else counted,
        padding.pad(types.astype(np.int64), form.pad_type_id) if form.token_types and rows else None,
    )
