"""WordPiece vocabularies, as ``BertWordpieceEncoder`` and ``WordpieceEncoder`` of the original have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from spacy.tokens import Doc

from spacy_lambda.runtime.curated.unicode_text import split_at_punctuation, without_accents
from spacy_lambda.runtime.curated.wordpieces import Ids, WordCache, WordpieceEncoder

__all__ = ["BertWordpieceEncoder"]


class BertWordpieceEncoder(WordpieceEncoder):
    """The longest wordpiece that begins a token, then the longest ``##`` one that goes on, until none does.

    What is left then is one unknown wordpiece; the ones before it stay.

    :param wordpieces: The vocabulary, in the order of the ids. Of equal ones, the first counts.
    :param strip_accents: Remove the accents of each token.
    :param split_punctuation: Encode punctuation characters on their own, as BERT does.
    :raises KeyError: If the vocabulary lacks a special wordpiece.
    """

    kind = "wordpiece"

    def __init__(
        self,
        wordpieces: Sequence[str],
        *,
        bos: str = "[CLS]",
        eos: str = "[SEP]",
        unk: str = "[UNK]",
        lowercase: bool = False,
        strip_accents: bool = False,
        split_punctuation: bool = True,
    ) -> None:
        self._wordpieces = list(wordpieces)
        self._special = {"bos": bos, "eos": eos, "unk": unk}
        self._lowercase = lowercase
        self._strip_accents = strip_accents
        self._split_punctuation = split_punctuation
        initial: dict[str, int] = {}
        inner: dict[str, int] = {}
        for number, wordpiece in enumerate(wordpieces):
            if wordpiece.startswith("##"):
                inner.setdefault(wordpiece[2:], number)
            else:
                initial.setdefault(wordpiece, number)
        # An empty wordpiece at the start of a token comes once; within one it would come forever.
        inner.pop("", None)
        self._initial, self._inner = _Table(initial), _Table(inner)
        self._unk = initial[unk]
        self._word = WordCache(self._encode_word)
        super().__init__(initial[bos], initial[eos])

    def token_ids(self, doc: Doc) -> list[Ids]:
        """Return the ids of each token; whitespace has none."""
        return [() if token.is_space else self._word(token.lower_ if self._lowercase else token.text) for token in doc]

    def _encode_word(self, word: str) -> Ids:
        text = without_accents(word) if self._strip_accents else word
        parts = split_at_punctuation(text) if self._split_punctuation else [text]
        return [wordpiece for part in parts for wordpiece in self._encode_part(part)]

    def _encode_part(self, text: str) -> list[int]:
        ids: list[int] = []
        start = 0
        table = self._initial
        while start < len(text):
            found = table.longest(text, start)
            if found is None:
                return [*ids, self._unk]
            wordpiece, length = found
            ids.append(wordpiece)
            start += length
            table = self._inner
        return ids

    def to_dict(self) -> dict[str, Any]:
        """Return the settings and the vocabulary."""
        return {
            **self._special,
            "lowercase": self._lowercase,
            "strip_accents": self._strip_accents,
            "split_punctuation": self._split_punctuation,
            "wordpieces": self._wordpieces,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """Read what :meth:`to_dict` returned."""
        return cls(**values)


class _Table:
    """Ids of wordpieces, by their text and found by their lengths.

    :param ids: Ids by text.
    """

    def __init__(self, ids: Mapping[str, int]) -> None:
        self._ids = ids
        self._lengths = sorted({len(text) for text in ids}, reverse=True)

    def longest(self, text: str, start: int) -> tuple[int, int] | None:
        """Return id and length of the longest wordpiece that a text has at a place."""
        rest = len(text) - start
        for length in self._lengths:
            if length <= rest and (found := self._ids.get(text[start : start + length])) is not None:
                return found, length
        return None
