"""Byte-level BPE vocabularies, as ``ByteBpeEncoder`` of spacy-curated-transformers has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, Self

from spacy.tokens import Doc
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from spacy_lambda.errors import EncoderError
from spacy_lambda.runtime.curated.wordpieces import Ids, WordCache, WordpieceEncoder

__all__ = ["TOKENIZER_FILE", "ByteBpeEncoder"]

TOKENIZER_FILE = "tokenizer.json"
"""Vocabulary and merges in the format of tokenizers, which reads it fastest."""

Pair = tuple[str, str]
Ranks = Mapping[Pair, int]
"""The rank of each pair of wordpieces: the lowest is merged first."""


class ByteBpeEncoder(WordpieceEncoder):
    """Bytes, merged pair by pair; a token is encoded with the space before it.

    Made by :meth:`from_merges`.

    :param bpe: Return the ids of a word.
    """

    kind = "byte_bpe"

    def __init__(self, bpe: _FastBpe | _ExactBpe, *, bos: str, eos: str) -> None:
        self._bpe = bpe
        self._special = {"bos": bos, "eos": eos}
        self._word = WordCache(bpe)
        super().__init__(bpe.id_of(bos), bpe.id_of(eos))

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
        ranks = {pair: ranks[pair] for pair in sorted(ranks, key=ranks.__getitem__) if " " not in "".join(pair)}
        bpe = _FastBpe.from_ranks(vocab, ranks) if _is_ordered(vocab, ranks) else _ExactBpe(vocab, list(ranks))
        return cls(bpe, bos=bos, eos=eos)

    def token_ids(self, doc: Doc) -> list[Ids]:
        """Return the ids of each token; white space has none."""
        before = ""
        ids: list[Ids] = []
        for token in doc:
            ids.append(() if token.is_space else self._word(before + token.text))
            before = token.whitespace_
        return ids

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, and the vocabulary if tokenizers cannot run it."""
        return {**self._special, **(self._bpe.to_dict() if isinstance(self._bpe, _ExactBpe) else {})}

    def to_files(self) -> dict[str, bytes]:
        """Return the settings' file and tokenizers'."""
        files = super().to_files()
        return {**files, TOKENIZER_FILE: self._bpe.to_bytes()} if isinstance(self._bpe, _FastBpe) else files

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """Read what :meth:`to_dict` and :meth:`to_files` returned."""
        bpe = _ExactBpe(values["vocab"], values["merges"]) if "vocab" in values else _FastBpe(files[TOKENIZER_FILE])
        return cls(bpe, bos=values["bos"], eos=values["eos"])


def _is_ordered(vocab: Mapping[str, int], ranks: Ranks) -> bool:
    """Return whether tokenizers applies the merges as the original does.

    It takes up a new pair at once, where the original first merges the last one everywhere. That is the same if no
    pair comes before a merge that makes a part of it. It also leaves out what the vocabulary lacks.
    """
    made = {left + right: rank for (left, right), rank in ranks.items()}
    return vocab.keys() >= {*ByteLevel.alphabet(), *made} and all(
        part in vocab and made.get(part, -1) < rank for pair, rank in ranks.items() for part in pair
    )


def _byte_level() -> ByteLevel:
    return ByteLevel(add_prefix_space=False, use_regex=True)


class _FastBpe:
    """BPE by tokenizers.

    :param json: Contents of a ``tokenizer.json``.
    """

    def __init__(self, json: bytes) -> None:
        self._tokenizer = Tokenizer.from_str(json.decode("utf-8"))

    @classmethod
    def from_ranks(cls, vocab: Mapping[str, int], ranks: Ranks) -> Self:
        tokenizer = Tokenizer(BPE(vocab=dict(vocab), merges=list(ranks)))
        tokenizer.pre_tokenizer = _byte_level()
        return cls(tokenizer.to_str().encode("utf-8"))

    def __call__(self, word: str) -> Ids:
        return list(self._tokenizer.encode(word, add_special_tokens=False).ids)

    def id_of(self, wordpiece: str) -> int:
        found: int | None = self._tokenizer.token_to_id(wordpiece)
        if found is None:
            raise KeyError(wordpiece)
        return found

    def to_bytes(self) -> bytes:
        return str(self._tokenizer.to_str()).encode("utf-8")


class _ExactBpe:
    """BPE in the order of the original, with merges that tokenizers would apply in another one.

    :param vocab: Ids by wordpiece.
    :param merges: Pairs of wordpieces to join, the first ones first.
    """

    def __init__(self, vocab: Mapping[str, int], merges: Sequence[Sequence[str]]) -> None:
        self._vocab = dict(vocab)
        self._ranks = {(left, right): rank for rank, (left, right) in enumerate(merges)}
        self._split = _byte_level()

    def __call__(self, word: str) -> Ids:
        parts = [part for part, _ in self._split.pre_tokenize_str(word)]
        try:
            return [self._vocab[wordpiece] for part in parts for wordpiece in _merge(part, self._ranks)]
        except KeyError as exc:
            raise EncoderError(
                f"the vocabulary lacks {exc}, a wordpiece of {word[:40]!r}",
                remedy="leave the text out: the original pipeline fails on it, too",
            ) from exc

    def id_of(self, wordpiece: str) -> int:
        return self._vocab[wordpiece]

    def to_dict(self) -> dict[str, Any]:
        return {"vocab": self._vocab, "merges": [list(pair) for pair in self._ranks]}


def _merge(text: str, ranks: Ranks) -> list[str]:
    """Merge the pair of the lowest rank wherever it is, from left to right, until no pair has a rank."""
    parts: list[str | None] = list(text)
    after = list(range(1, len(text) + 1))
    before = list(range(-1, len(text) - 1))

    def rank_at(place: int) -> int | None:
        follower = after[place]
        left = parts[place]
        if left is None or follower >= len(text):
            return None
        return ranks.get((left, parts[follower] or ""))

    places = [(rank, place) for place in range(len(text)) if (rank := rank_at(place)) is not None]
    heapify(places)
    while places:
        lowest = places[0][0]
        round_: list[int] = []
        while places and places[0][0] == lowest:
            round_.append(heappop(places)[1])
        for place in round_:
            if rank_at(place) != lowest:  # the merge before it took a part of it
                continue
            follower = after[place]
            parts[place] = f"{parts[place]}{parts[follower]}"
            parts[follower] = None
            after[place] = after[follower]
            if after[place] < len(text):
                before[after[place]] = place
            for changed in (before[place], place):
                if changed >= 0 and (rank := rank_at(changed)) is not None:
                    heappush(places, (rank, changed))
    return [part for part in parts if part is not None]
