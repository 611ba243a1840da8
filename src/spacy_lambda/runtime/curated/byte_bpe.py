"""Byte-level BPE vocabularies, as ``ByteBpeEncoder`` of spacy-curated-transformers has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from spacy.tokens import Doc
from tokenizers.pre_tokenizers import ByteLevel

from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import EncoderError
from spacy_lambda.runtime.curated.merges import MERGES_FILE, MergeTable
from spacy_lambda.runtime.curated.wordpieces import Ids, WordCache, WordpieceEncoder

__all__ = ["TOKENIZER_FILE", "ByteBpeEncoder"]

TOKENIZER_FILE = "tokenizer.json"
"""Vocabulary and merges in the format of tokenizers, in pipelines that were compiled before :data:`MERGES_FILE`."""


class ByteBpeEncoder(WordpieceEncoder):
    """Bytes, merged pair by pair; a token is encoded with the space before it.

    Made by :meth:`from_merges`.

    :param merges: The vocabulary and its merges.
    """

    kind = "byte_bpe"

    def __init__(self, merges: MergeTable, *, bos: int, eos: int) -> None:
        super().__init__(bos, eos)
        self._merges = merges
        self._split = ByteLevel(add_prefix_space=False, use_regex=True)
        self._word = WordCache(self._encode_word)

    @classmethod
    def from_merges(
        cls, vocab: Mapping[str, int], merges: Iterable[Sequence[str]], *, bos: str = "<s>", eos: str = "</s>"
    ) -> Self:
        """Return the encoder of a vocabulary.

        :param vocab: Ids by wordpiece.
        :param merges: Pairs of wordpieces to join, the first ones first.
        :raises KeyError: If the vocabulary lacks a special wordpiece.
        """
        # Text has neither spaces nor empty parts at this level.
        ranks = {(left, right): rank for rank, (left, right) in enumerate(merges) if left and right}
        pairs = [pair for pair in sorted(ranks, key=ranks.__getitem__) if " " not in "".join(pair)]
        table = MergeTable.from_pairs(vocab, pairs, sorted(ByteLevel.alphabet()))
        return cls(table, bos=vocab[bos], eos=vocab[eos])

    def token_ids(self, doc: Doc) -> list[Ids]:
        """Return the ids of each token; whitespace has none."""
        before = ""
        ids: list[Ids] = []
        for token in doc:
            ids.append(() if token.is_space else self._word(before + token.text))
            before = token.whitespace_
        return ids

    def _encode_word(self, word: str) -> Ids:
        try:
            return [id_ for part, _ in self._split.pre_tokenize_str(word) for id_ in self._merges.encode(part)]
        except KeyError as exc:
            raise EncoderError(
                f"the vocabulary lacks {exc}, a wordpiece of {word[:40]!r}",
                remedy="leave the text out: the original pipeline fails on it, too",
            ) from exc

    def to_dict(self) -> dict[str, Any]:
        """Return all but the merges."""
        return {"bos": self.bos, "eos": self.eos, **self._merges.to_dict()}

    def to_files(self) -> dict[str, bytes]:
        """Return the file of the settings and the file of the merges."""
        return {**super().to_files(), MERGES_FILE: self._merges.to_bytes()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """Read what :meth:`to_dict` and :meth:`to_files` returned, or did before there was :data:`MERGES_FILE`."""
        if MERGES_FILE in files:
            return cls(MergeTable.from_dict(values, files[MERGES_FILE]), bos=values["bos"], eos=values["eos"])
        model = values if "vocab" in values else parse_json(files[TOKENIZER_FILE])["model"]
        # Versions of tokenizers before 0.20 write a pair as one text.
        merges = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
        return cls.from_merges(model["vocab"], merges, bos=values["bos"], eos=values["eos"])
