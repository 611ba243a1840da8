"""Small random vocabularies and encoders, and the originals' wordpiece encoders on them."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import spacy
from hypothesis import strategies as st
from spacy.tokens import Doc
from tokenizers.pre_tokenizers import ByteLevel

from spacy_lambda.runtime.curated.bert_wordpieces import BertWordpieceEncoder
from spacy_lambda.runtime.curated.byte_bpe import ByteBpeEncoder
from spacy_lambda.runtime.curated.characters import CharEncoder
from spacy_lambda.runtime.curated.sentencepiece import Adapter, SentencepieceEncoder
from spacy_lambda.runtime.curated.wordpieces import WordpieceEncoder
from spacy_lambda.runtime.encoder import EncoderBytes

VOCAB = spacy.blank("en").vocab
WORDPIECES = (
    "[PAD] [UNK] [CLS] [SEP] a b ab abc ##a ##b ##c ##ab é e ##e ä ##ä . - a-b [ ] P ##日 日 A ##. ss ß ﬁ fi ##fi ! '"
).split()
CHARACTERS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdeéä .-日本fi1\n"]

WINDOW, STRIDE, WIDTH, N_LAYERS, MAX_LENGTH = 8, 5, 16, 2, 16
TOLERANCE = 2e-6
"""Of hidden states of two builds of the same arithmetic; the original pads its batches."""

TEXT = [("ab", True), ("  ", False), ("a-b.", False), ("cab'e", True), ("日本é", False), ("\n", False)]


class Pair(NamedTuple):
    """An original's wordpiece encoder, and ours."""

    original: Any
    ours: WordpieceEncoder


def merges(count: int, *, in_order: bool) -> list[tuple[str, str]]:
    """Return random merges of byte-level wordpieces; out of order, some come before one that makes a part of them."""
    choose = random.Random(count)
    known = [char for char in sorted(ByteLevel.alphabet()) if char in "abcdeĠ.'012Ã©"]
    found: dict[tuple[str, str], str] = {}
    while len(found) < count:
        pair = (choose.choice(known), choose.choice(known))
        if len("".join(pair)) <= 8 and pair not in found and not (in_order and "".join(pair) in found.values()):
            found[pair] = "".join(pair)
            known.append(found[pair])
    pairs = list(found)
    if not in_order:
        choose.shuffle(pairs)
    return pairs


def byte_vocab(pairs: list[tuple[str, str]]) -> dict[str, int]:
    wordpieces = ["<s>", "<pad>", "</s>", "<unk>", *sorted(ByteLevel.alphabet()), *map("".join, pairs)]
    return {text: number for number, text in enumerate(dict.fromkeys(wordpieces))}


def wordpiece_pair(*, lowercase: bool, accents: bool, punctuation: bool) -> Pair:
    tokenization = pytest.importorskip("spacy_curated_transformers.tokenization")
    from curated_tokenizers import WordPieceProcessor

    name = "build_bert_wordpiece_encoder_v1" if punctuation else "build_wordpiece_encoder_v1"
    original = getattr(tokenization, name)()
    original.attrs["wordpiece_processor"] = WordPieceProcessor(WORDPIECES)
    original.attrs["lowercase"] = lowercase
    original.attrs["strip_accents"] = accents
    ours = BertWordpieceEncoder(WORDPIECES, lowercase=lowercase, strip_accents=accents, split_punctuation=punctuation)
    return Pair(original, ours)


def byte_bpe_pair(pairs: list[tuple[str, str]], vocab: dict[str, int] | None = None) -> Pair:
    tokenization = pytest.importorskip("spacy_curated_transformers.tokenization")
    from curated_tokenizers import ByteBPEProcessor

    vocab = byte_vocab(pairs) if vocab is None else vocab
    original = tokenization.build_byte_bpe_encoder_v1()
    original.attrs["byte_bpe_processor"] = ByteBPEProcessor(vocab, pairs)
    return Pair(original, ByteBpeEncoder.from_merges(vocab, pairs))


def sentencepiece_model() -> bytes:
    curated_tokenizers = pytest.importorskip("curated_tokenizers")
    return (Path(curated_tokenizers.__file__).parent / "tests" / "toy.model").read_bytes()


def sentencepiece_pair(adapter: Adapter | None) -> Pair:
    tokenization = pytest.importorskip("spacy_curated_transformers.tokenization")
    from curated_tokenizers import SentencePieceProcessor

    name = f"{adapter}_sentencepiece" if adapter else "sentencepiece"
    original = getattr(tokenization, f"build_{name}_encoder_v1")()
    model = sentencepiece_model()
    original.get_ref("encoder").attrs["sentencepiece_processor"] = SentencePieceProcessor.from_protobuf(model)
    return Pair(original, SentencepieceEncoder(model, adapter=adapter))


def char_pair(form: Any) -> Pair:
    tokenization = pytest.importorskip("spacy_curated_transformers.tokenization")
    vocab = {char: number for number, char in enumerate(CHARACTERS)}
    original = tokenization.build_char_encoder_v1()
    original.attrs["vocab"] = vocab
    original.attrs["normalize"] = form
    return Pair(original, CharEncoder(vocab, normal_form=form))


PAIRS: dict[str, Callable[[], Pair]] = {
    **{
        f"wordpiece lowercase={lowercase} accents={accents} punctuation={punctuation}": partial(
            wordpiece_pair, lowercase=lowercase, accents=accents, punctuation=punctuation
        )
        for lowercase in (False, True)
        for accents in (False, True)
        for punctuation in (False, True)
    },
    "byte_bpe": lambda: byte_bpe_pair(merges(400, in_order=True)),
    "byte_bpe shuffled": lambda: byte_bpe_pair(merges(400, in_order=False)),
    "sentencepiece": lambda: sentencepiece_pair(None),
    "sentencepiece xlmr": lambda: sentencepiece_pair("xlmr"),
    "sentencepiece camembert": lambda: sentencepiece_pair("camembert"),
    "char NFKC": lambda: char_pair("NFKC"),
    "char": lambda: char_pair(None),
}

FAMILIAR = st.text(alphabet="abcdeéäñA.,-'! \t\n日本\u0301ßﬁ[]#012", min_size=1, max_size=12)
ANY = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
WORDS = st.lists(st.tuples(st.one_of(FAMILIAR, ANY), st.booleans()), max_size=12)
"""Tokens, and whether a space follows each of them."""


def make_doc(words: list[tuple[str, bool]]) -> Doc:
    return Doc(VOCAB, words=[word for word, _ in words], spaces=[space for _, space in words])


def encoder_bytes(model: Any, *, all_layers: bool) -> EncoderBytes:
    from spacy_lambda.compiler.graphs.builder import split_weights
    from spacy_lambda.compiler.graphs.curated import read_curated_weights
    from spacy_lambda.compiler.graphs.encoder_graph import build_graph

    (shim,) = (shim for node in model.walk() for shim in node.shims)
    return split_weights(build_graph(read_curated_weights(shim._model.curated_encoder), all_layers=all_layers))
