"""A transformer of spacy-transformers, run exactly as the library runs it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spacy_lambda.compiler.libraries.part import HiddenStates

__all__ = ["TEXT", "SpecialWordpieces", "WordpieceBatchReference", "quiet"]

TEXT = "a text"
"""An ordinary text, of a few wordpieces."""


@dataclass(frozen=True)
class SpecialWordpieces:
    """The special wordpieces that a tokenizer puts around a text.

    :param opening: Their ids before the text.
    :param closing: Their ids after it.
    :param opening_types: Token types of the first ones.
    :param closing_types: Token types of the last ones.
    :param text_type: The token type of a text's own wordpieces.
    """

    opening: tuple[int, ...]
    closing: tuple[int, ...]
    opening_types: tuple[int, ...]
    closing_types: tuple[int, ...]
    text_type: int = 0

    @classmethod
    def of(cls, tokenizer: Any) -> SpecialWordpieces:
        """Find those of a tokenizer of transformers."""
        encoded = tokenizer(TEXT, return_special_tokens_mask=True, return_token_type_ids=True)
        ids, types, mask = (tuple(encoded[name]) for name in ("input_ids", "token_type_ids", "special_tokens_mask"))
        if 0 not in mask:
            return cls((), (), (), ())
        first, last = mask.index(0), len(mask) - mask[::-1].index(0)
        return cls(ids[:first], ids[last:], types[:first], types[last:], types[first])

    def token_types(self, length: int) -> list[int]:
        """Return the token types of a text's window, truncated if it is too short for the special wordpieces."""
        inner = max(length - len(self.opening) - len(self.closing), 0)
        return [*self.opening_types, *[self.text_type] * inner, *self.closing_types][:length]


class WordpieceBatchReference:
    """Hidden states of windows of wordpieces, by the original's own model.

    Goes through spacy-transformers' wrapper, with its padding, its mask of floats and the token types that the
    tokenizer would give, because each of them can change a model's output.

    :param model: A ``TransformerModel`` of spacy-transformers.
    """

    def __init__(self, model: Any) -> None:
        self._wrapper = model.layers[0]
        self._tokenizer = model.tokenizer
        self._special = SpecialWordpieces.of(model.tokenizer)

    def __call__(self, windows: Sequence[Sequence[int]]) -> list[HiddenStates]:
        """Encode windows as one padded batch (see :class:`.part.Reference`)."""
        from spacy_transformers.data_classes import WordpieceBatch

        lengths = [len(window) for window in windows]
        longest = max(lengths)
        starts = [longest - length if self._tokenizer.padding_side == "left" else 0 for length in lengths]
        ids = np.full((len(windows), longest), self._tokenizer.pad_token_id or 0, dtype=np.int64)
        types = np.full_like(ids, self._tokenizer.pad_token_type_id)
        mask = np.zeros(ids.shape, dtype=np.float32)
        for row, (window, start) in enumerate(zip(windows, starts, strict=True)):
            place = slice(start, start + len(window))
            ids[row, place] = window
            types[row, place] = self._special.token_types(len(window))
            mask[row, place] = 1
        given: tuple[Any, Any, Any] = (ids, mask, types if self._has_token_types() else None)
        strings = [[""] * longest for _ in windows]
        batch = WordpieceBatch(strings, given[0], given[1], lengths, given[2])
        hidden = self._wrapper.predict(batch).last_hidden_state.float().cpu().numpy()
        if hidden.shape[1] != longest:
            raise ValueError(f"there are {hidden.shape[1]} hidden states for {longest} wordpieces")
        return [rows[start : start + n] for rows, start, n in zip(hidden, starts, lengths, strict=True)]

    def _has_token_types(self) -> bool:
        return "token_type_ids" in self._tokenizer.model_input_names


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress transformers' warnings of windows that are too long: spacy-transformers truncates them."""
    from logging import ERROR

    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity(ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(level)
