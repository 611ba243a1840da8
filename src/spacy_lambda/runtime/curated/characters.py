"""Vocabularies of characters, as ``CharEncoder`` of spacy-curated-transformers has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from spacy.tokens import Doc

from spacy_lambda.runtime.curated.unicode_text import NormalForm, normalize
from spacy_lambda.runtime.curated.wordpieces import Ids, WordpieceEncoder

__all__ = ["CharEncoder"]


class CharEncoder(WordpieceEncoder):
    """A wordpiece for each character, whitespace included.

    :param vocab: Ids by character; others are unknown wordpieces.
    :param normal_form: Unicode's normal form to which each token is brought first.
    :raises KeyError: If the vocabulary lacks a special wordpiece.
    """

    kind = "char"

    def __init__(
        self,
        vocab: Mapping[str, int],
        *,
        bos: str = "[CLS]",
        eos: str = "[SEP]",
        unk: str = "[UNK]",
        normal_form: NormalForm | None = "NFKC",
    ) -> None:
        self._vocab = dict(vocab)
        self._special = {"bos": bos, "eos": eos, "unk": unk}
        self._normal_form = normal_form
        self._unk = self._vocab[unk]
        super().__init__(self._vocab[bos], self._vocab[eos])

    def token_ids(self, doc: Doc) -> list[Ids]:
        """Return the ids of each token."""
        form = self._normal_form
        texts = (token.text if form is None else normalize(form, token.text) for token in doc)
        return [[self._vocab.get(char, self._unk) for char in text] for text in texts]

    def to_dict(self) -> dict[str, Any]:
        """Return the settings and the vocabulary."""
        return {**self._special, "normal_form": self._normal_form, "vocab": self._vocab}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """Read what :meth:`to_dict` returned."""
        return cls(**values)
