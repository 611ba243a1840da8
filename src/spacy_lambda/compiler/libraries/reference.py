"""A transformer of spacy-transformers, run exactly as the library runs it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from spacy_lambda.compiler.libraries.part import HiddenStates

__all__ = ["WordpieceBatchReference", "quiet"]


class WordpieceBatchReference:
    """Hidden states of windows of wordpieces, by the original's own model.

    Goes through spacy-transformers' wrapper, with its padding, its mask of floats and the token types that the
    tokenizer would give, because each of them can change a model's output.

    :param model: A ``TransformerModel`` of spacy-transformers.
    """

    def __init__(self, model: Any) -> None:
        self._wrapper = model.layers[0]
        self._padding_id = model.tokenizer.pad_token_id or 0
        self._has_token_types = "token_type_ids" in model.tokenizer.model_input_names

    def __call__(self, windows: Sequence[Sequence[int]]) -> list[HiddenStates]:
        """Encode windows as one padded batch (see :class:`.part.Reference`)."""
        from spacy_transformers.data_classes import WordpieceBatch

        lengths = [len(window) for window in windows]
        ids = np.full((len(windows), max(lengths)), self._padding_id, dtype=np.int64)
        mask = np.zeros(ids.shape, dtype=np.float32)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = window
            mask[row, : len(window)] = 1
        arrays: tuple[Any, Any, Any] = (ids, mask, np.zeros_like(ids) if self._has_token_types else None)
        strings = [[""] * ids.shape[1] for _ in windows]
        batch = WordpieceBatch(strings, arrays[0], arrays[1], lengths, arrays[2])
        hidden = self._wrapper.predict(batch).last_hidden_state.float().cpu().numpy()
        return [rows[:length] for rows, length in zip(hidden, lengths, strict=True)]


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
