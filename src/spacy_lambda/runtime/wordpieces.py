"""Window texts -> wordpiece ids and their characters, by the pipeline's own fast tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from spacy_lambda.errors import PipelineLoadError

__all__ = ["WordpieceTokenizer", "Wordpieces", "truncate"]


@dataclass(frozen=True)
class Wordpieces:
    """The wordpieces of one window, special ones included.

    :param ids: Vocabulary ids. *Shape:* ``(n_wordpieces,)``
    :param offsets: First character of each wordpiece and the one after its last, in the window's text; both 0
        for special wordpieces. *Shape:* ``(n_wordpieces, 2)``
    :param is_truncated: ``True`` if the window's end is not in them.
    :param strings: The wordpieces as strings.
    :param types: Token types, or ``None`` if they are all 0. *Shape:* ``(n_wordpieces,)``
    """

    ids: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    is_truncated: bool = False
    strings: list[str] = field(default_factory=list)
    types: npt.NDArray[np.int64] | None = None

    def first(self, length: int) -> Wordpieces:
        """Return the first of them, or these if there are not more."""
        if length >= len(self.ids):
            return self
        return Wordpieces(
            self.ids[:length],
            self.offsets[:length],
            is_truncated=True,
            strings=self.strings[:length],
            types=None if self.types is None else self.types[:length],
        )


def truncate(windows: Sequence[Wordpieces], max_length: int, *, pads_left: bool) -> list[Wordpieces]:
    """Truncate a text's windows as spacy-transformers' ``truncate_oversize_splits`` does.

    They lose their end, the last special wordpiece too. Padding on the left counts: next to a window that is too
    long, even a short one loses its end.

    :param max_length: Wordpieces that the encoder takes at most.
    :param pads_left: ``True`` if the original's tokenizer pads on the left.
    """
    longest = max((len(window.ids) for window in windows), default=0)
    if longest <= max_length:
        return list(windows)
    if not pads_left:
        return [window.first(max_length) for window in windows]
    return [window.first(max(max_length - (longest - len(window.ids)), 0)) for window in windows]


class WordpieceTokenizer:
    """A ``tokenizer.json`` that neither pads nor truncates by its own settings.

    :param json: Contents of ``tokenizer.json``.
    :param split_special_tokens: Cut special wordpieces in texts as ordinary words; the file does not hold that setting.
    """

    def __init__(self, json: str, *, split_special_tokens: bool = False) -> None:
        self._tokenizer = Tokenizer.from_str(json)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._strings: dict[int, str] = {}
        if split_special_tokens:
            self._tokenizer.encode_special_tokens = True

    @classmethod
    def from_disk(cls, path: Path, *, split_special_tokens: bool = False) -> WordpieceTokenizer:
        """Read ``tokenizer.json``.

        :raises PipelineLoadError: If the file is missing or invalid.
        """
        try:
            return cls(path.read_text(encoding="utf-8"), split_special_tokens=split_special_tokens)
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
        offsets = np.array(encoding.offsets, dtype=np.int64)
        types = np.array(encoding.type_ids, dtype=np.int64)
        return Wordpieces(
            np.array(encoding.ids, dtype=np.int64),
            offsets.reshape(-1, 2),
            strings=self._as_strings(encoding.ids),
            types=types if types.any() else None,
        )

    def _as_strings(self, ids: list[int]) -> list[str]:
        """Return the vocabulary's strings, where an encoding's own may be the text's."""
        for wordpiece in ids:
            if wordpiece not in self._strings:
                self._strings[wordpiece] = self._tokenizer.id_to_token(wordpiece) or ""
        return [self._strings[wordpiece] for wordpiece in ids]
