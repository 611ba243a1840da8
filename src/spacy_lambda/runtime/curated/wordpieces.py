"""Doc -> wordpiece ids, token by token: base of the encoders, one for each kind of vocabulary."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from spacy.tokens import Doc

__all__ = ["WORDPIECES_FILE", "DocWordpieces", "Ids", "WordCache", "WordpieceEncoder"]

WORDPIECES_FILE = "wordpieces.json"

CACHED_WORDS = 20_000
CACHED_LENGTH = 50
"""Characters of the longest word that is kept."""

Ids = Sequence[int]


class DocWordpieces(NamedTuple):
    """The wordpieces of one Doc, special ones included.

    :param ids: Vocabulary ids. *Shape:* ``(lengths.sum(),)``
    :param lengths: Wordpieces of the first special one (1), of each token, and of the last special one (1).
        *Shape:* ``(n_tokens + 2,)``
    """

    ids: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int32]


class WordpieceEncoder(ABC):
    """A Doc's tokens -> wordpieces, each token on its own.

    :param bos: Id of the special wordpiece before the tokens.
    :param eos: Id of the one after them.
    """

    kind: ClassVar[str]

    def __init__(self, bos: int, eos: int) -> None:
        self.bos = bos
        self.eos = eos

    def encode(self, doc: Doc) -> DocWordpieces:
        """Return the wordpieces of a Doc.

        :raises EncoderError: If the vocabulary lacks a part of the text.
        """
        rows = [(self.bos,), *self.token_ids(doc), (self.eos,)]
        ids = np.array([wordpiece for row in rows for wordpiece in row], dtype=np.int64)
        return DocWordpieces(ids, np.array([len(row) for row in rows], dtype=np.int32))

    def count(self, doc: Doc) -> int:
        """Return the number of wordpieces of a Doc, special ones included."""
        return len(self.encode(doc).ids)

    @abstractmethod
    def token_ids(self, doc: Doc) -> list[Ids]:
        """Return the ids of each token, without special ones."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the settings and the vocabulary as JSON values."""

    @classmethod
    @abstractmethod
    def from_dict(cls, values: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """Read what :meth:`to_dict` returned.

        :param files: Contents of all files of :meth:`to_files`.
        """

    def to_files(self) -> dict[str, bytes]:
        """Return the contents of the encoder's files by name."""
        content = json.dumps({"kind": self.kind, **self.to_dict()}, ensure_ascii=False)
        return {WORDPIECES_FILE: content.encode("utf-8")}


class WordCache:
    """Words that have been encoded. A full cache begins anew: it does not grow in a process that runs for days.

    :param encode: Return the ids of a word.
    """

    def __init__(self, encode: Callable[[str], Ids]) -> None:
        self._encode = encode
        self._ids: dict[str, Ids] = {}

    def __call__(self, word: str) -> Ids:
        """Return the ids of a word."""
        found = self._ids.get(word)
        if found is None:
            found = self._encode(word)
            if len(word) <= CACHED_LENGTH:
                if len(self._ids) >= CACHED_WORDS:
                    self._ids.clear()
                self._ids[word] = found
        return found

    def __reduce__(self) -> tuple[type[WordCache], tuple[Callable[[str], Ids]]]:
        """Leave the words out of copies and pickles."""
        return WordCache, (self._encode,)
