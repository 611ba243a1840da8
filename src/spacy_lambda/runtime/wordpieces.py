"""Window texts -> wordpiece ids and their characters, by the pipeline's own fast tokenizer."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from spacy_lambda.errors import PipelineLoadError

__all__ = ["WordpieceTokenizer", "Wordpieces"]


@dataclass(frozen=True)
class Wordpieces:
    """The wordpieces of one window, special ones included.

    :param ids: Vocabulary ids. *Shape:* ``(n_wordpieces,)``
    :param offsets: First character of each wordpiece and the one after its last, in the window's text; both 0
        for special wordpieces. *Shape:* ``(n_wordpieces, 2)``
    :param is_truncated: ``True`` if the window's end is not in them.
    :param strings: The wordpieces as strings.
    """

    ids: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    is_truncated: bool = False
    strings: list[str] = field(default_factory=list)


class WordpieceTokenizer:
    """A ``tokenizer.json`` that neither pads nor truncates by its own settings.

    Longer windows than ``max_length`` lose their end, as spacy-transformers' ``truncate_oversize_splits`` has
    it: the last special wordpiece goes too.

    :param json: Contents of ``tokenizer.json``.
    :param max_length: Wordpieces that the encoder takes at most.
    """

    def __init__(self, json: str, *, max_length: int) -> None:
        self._tokenizer = Tokenizer.from_str(json)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._max_length = max_length
        self._strings: dict[int, str] = {}

    @classmethod
    def from_disk(cls, path: Path, *, max_length: int) -> WordpieceTokenizer:
        """Read ``tokenizer.json``.

        :raises PipelineLoadError: If the file is missing or invalid.
        """
        try:
            return cls(path.read_text(encoding="utf-8"), max_length=max_length)
        except Exception as exc:  # tokenizers raises bare Exception
            raise PipelineLoadError(
                f"{path} is not a readable tokenizer: {exc}", remedy="compile the pipeline again"
            ) from exc

    def to_json(self) -> str:
        """Return the tokenizer as a ``tokenizer.json``."""
        return str(self._tokenizer.to_str())

    def count(self, text: str) -> int:
        """Wordpieces of a text, however long it is."""
        return len(self._tokenizer.encode(text).ids)

    def __call__(self, text: str) -> Wordpieces:
        """Cut one window's text into wordpieces."""
        encoding = self._tokenizer.encode(text)
        ids = encoding.ids[: self._max_length]
        offsets = np.array(encoding.offsets[: self._max_length], dtype=np.int64)
        is_truncated = len(encoding.ids) > self._max_length
        return Wordpieces(np.array(ids, dtype=np.int64), offsets.reshape(-1, 2), is_truncated, self._as_strings(ids))

    def _as_strings(self, ids: list[int]) -> list[str]:
        """Return the vocabulary's strings, where an encoding's own may be the text's."""
        for wordpiece in ids:
            if wordpiece not in self._strings:
                self._strings[wordpiece] = self._tokenizer.id_to_token(wordpiece) or ""
        return [self._strings[wordpiece] for wordpiece in ids]
