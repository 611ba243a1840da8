"""Wordpieces of curated transformers, compared with spacy-curated-transformers' wordpiece encoders."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from spacy_lambda.errors import EncoderError, PipelineLoadError
from spacy_lambda.runtime.curated.bert_wordpieces import BertWordpieceEncoder
from spacy_lambda.runtime.curated.byte_bpe import TOKENIZER_FILE, ByteBpeEncoder
from spacy_lambda.runtime.curated.characters import CharEncoder
from spacy_lambda.runtime.curated.merges import MERGES_FILE
from spacy_lambda.runtime.curated.sentencepiece import SENTENCEPIECE_FILE, SentencepieceEncoder
from spacy_lambda.runtime.curated.wordpiece_files import encoder_from_files, read_encoder, write_encoder
from spacy_lambda.runtime.curated.wordpieces import WORDPIECES_FILE, WordCache, WordpieceEncoder
from tests.runtime.curated.originals import (
    CHARACTERS,
    PAIRS,
    TEXT,
    WORDPIECES,
    WORDS,
    Pair,
    byte_bpe_pair,
    byte_vocab,
    make_doc,
    merges,
    sentencepiece_model,
)


@pytest.fixture(scope="module", params=PAIRS)
def pair(request: pytest.FixtureRequest) -> Pair:
    return PAIRS[request.param]()


def assert_same(pair: Pair, words: list[tuple[str, bool]]) -> None:
    doc = make_doc(words)
    (expected,) = pair.original.predict([doc])
    for encoder in (pair.ours, encoder_from_files(pair.ours.to_files())):
        found = encoder.encode(doc)
        assert found.ids.tolist() == expected.dataXd.tolist()
        assert found.lengths.tolist() == expected.lengths.tolist()
        assert found.ids.dtype == np.int64
        assert found.lengths.dtype == np.int32
        assert encoder.count(doc) == len(found.ids)


@given(words=WORDS)
def test_ids_and_lengths_equal_the_originals(pair: Pair, words: list[tuple[str, bool]]) -> None:
    assert_same(pair, words)


def test_long_tokens(pair: Pair) -> None:
    for word in ("ab" * 150, "a\u0301\u0323" * 100, "日" * 300, "e\u0301" * 200, "1" * 300, "-" * 300):
        assert_same(pair, [("a", True), (word, False), ("b", False)])


def test_empty_docs_and_white_space(pair: Pair) -> None:
    for words in ([], [(" ", False)], [("a", False)], TEXT, TEXT * 5):
        assert_same(pair, words)


@pytest.mark.slow
def test_characters_of_all_scripts() -> None:
    """Each of them is in a word of its own, and in the middle of one."""
    chars = [chr(code) for code in [*range(1, 0x600), *range(0x600, 0xD800, 11), *range(0xE000, 0x30000, 97)]]
    for name in ("wordpiece lowercase=True accents=True punctuation=True", "byte_bpe", "char NFKC"):
        assert_same(PAIRS[name](), [word for char in chars for word in ((char, False), (f"a{char}b", True))])


@pytest.mark.parametrize("seed", range(5))
def test_merges_in_any_order(seed: int) -> None:
    pairs = merges(30 + seed, in_order=False)
    pair = byte_bpe_pair(pairs)
    for text in ("".join(pairs[i][0] + pairs[i - 1][1] for i in range(10)), "abcde" * 20, "aaaa", "e'ab'cd 012"):
        assert_same(pair, [(text, True), (text[::-1], False)])


def test_bytes_that_the_vocabulary_lacks() -> None:
    """The original fails on them, too, and only on them."""
    vocab = {text: number for text, number in byte_vocab([]).items() if text not in "xyz"}
    pair = byte_bpe_pair([("a", "b"), ("c", "d")], {**vocab, "ab": 999})
    assert_same(pair, [("ab", True), ("c", False)])
    for word in ("x", "cd"):
        with pytest.raises(ValueError, match="not in vocabulary"):
            pair.original.predict([make_doc([(word, False)])])
        with pytest.raises(EncoderError, match="the vocabulary lacks"):
            pair.ours.encode(make_doc([(word, False)]))


def test_two_wordpieces_of_one_id() -> None:
    pairs = [("a", "b"), ("b", "c"), ("bc", "d"), ("ab", "c")]
    vocab = byte_vocab(pairs)
    pair = byte_bpe_pair(pairs, {**vocab, "bc": vocab["ab"]})
    assert_same(pair, [(word, True) for word in ("ab", "bcd", "xbcd", "abc", "bbc", "ababcd")])


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("in_order", [False, True])
def test_files_of_earlier_versions(in_order: bool, as_text: bool) -> None:
    """Merges were in tokenizers' file, or in the settings' file where tokenizers merges in another order."""
    pairs = merges(50, in_order=in_order)
    vocab = byte_vocab(pairs)
    model: dict[str, Any] = {"vocab": vocab, "merges": [" ".join(pair) for pair in pairs] if as_text else pairs}
    settings: dict[str, Any] = {"kind": "byte_bpe", "bos": "<s>", "eos": "</s>"}
    files = {WORDPIECES_FILE: settings if in_order else {**settings, **model}}
    if in_order:
        files[TOKENIZER_FILE] = {"version": "1.0", "model": model}
    encoder = encoder_from_files({name: json.dumps(content).encode() for name, content in files.items()})
    expected = ByteBpeEncoder.from_merges(vocab, pairs)
    assert encoder.to_files() == expected.to_files()
    assert encoder.encode(make_doc(TEXT)).ids.tolist() == expected.encode(make_doc(TEXT)).ids.tolist()


def test_an_empty_wordpiece_begins_a_token_once() -> None:
    pytest.importorskip("spacy_curated_transformers")
    from curated_tokenizers import WordPieceProcessor

    pair = PAIRS["wordpiece lowercase=False accents=False punctuation=True"]()
    pair.original.attrs["wordpiece_processor"] = WordPieceProcessor([*WORDPIECES, ""])
    ours = Pair(pair.original, BertWordpieceEncoder([*WORDPIECES, ""]))
    assert_same(ours, [("cab", True), ("xyz", True), ("ab", True)])


def long_words() -> dict[str, WordpieceEncoder]:
    return {
        "wordpiece": BertWordpieceEncoder(WORDPIECES, lowercase=True, strip_accents=True),
        "byte_bpe": ByteBpeEncoder.from_merges(byte_vocab(merges(50, in_order=True)), merges(50, in_order=True)),
        "byte_bpe shuffled": ByteBpeEncoder.from_merges(
            byte_vocab(merges(50, in_order=False)), merges(50, in_order=False)
        ),
        "char": CharEncoder({char: number for number, char in enumerate(CHARACTERS)}),
    }


def test_copies_and_pickles(pair: Pair) -> None:
    expected = pair.ours.encode(make_doc(TEXT)).ids.tolist()
    small = len(pickle.dumps(encoder_from_files(pair.ours.to_files())))
    assert len(pickle.dumps(pair.ours)) <= small
    for again in (copy.deepcopy(pair.ours), pickle.loads(pickle.dumps(pair.ours))):
        assert again.encode(make_doc(TEXT)).ids.tolist() == expected


@pytest.mark.slow
@pytest.mark.timeout(120)  # the square of its length would take hours
@pytest.mark.parametrize("name", long_words())
def test_a_token_of_many_characters(name: str) -> None:
    encoder = long_words()[name]
    for word in ("ab", "a\u0301\u0323", "\u0301\u0323", "é-"):
        assert encoder.count(make_doc([(word * (100_000 // len(word)), False)])) >= 2


def test_the_files_of_an_encoder(tmp_path: Path) -> None:
    for number, encoder in enumerate(long_words().values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_encoder(encoder, folder)
        assert (folder / WORDPIECES_FILE).is_file()
        assert not (folder / SENTENCEPIECE_FILE).exists()
        doc = make_doc(TEXT)
        assert read_encoder(folder).encode(doc).ids.tolist() == encoder.encode(doc).ids.tolist()


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", np.zeros((3, 2), dtype=np.uint16).tobytes()])
def test_broken_merges(tmp_path: Path, content: bytes) -> None:
    write_encoder(ByteBpeEncoder.from_merges(byte_vocab([]), []), tmp_path)
    (tmp_path / MERGES_FILE).write_bytes(content)
    with pytest.raises(PipelineLoadError, match="not a readable vocabulary"):
        read_encoder(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"kind": "other"}', b'{"kind": "wordpiece", "wordpieces": ["a"]}'])
def test_broken_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / WORDPIECES_FILE).write_bytes(content)
    with pytest.raises(PipelineLoadError, match="not a readable vocabulary"):
        read_encoder(tmp_path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PipelineLoadError, match="not a readable vocabulary"):
        read_encoder(tmp_path)


def test_sentencepiece_without_curated_tokenizers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "curated_tokenizers", None)
    with pytest.raises(PipelineLoadError, match="needs curated-tokenizers") as caught:
        SentencepieceEncoder(b"")
    assert caught.value.remedy is not None
    assert "pip install" in caught.value.remedy


def test_sentencepiece_has_a_file_of_its_own(tmp_path: Path) -> None:
    model = sentencepiece_model()
    write_encoder(SentencepieceEncoder(model, adapter="xlmr"), tmp_path)
    assert (tmp_path / SENTENCEPIECE_FILE).read_bytes() == model
    (tmp_path / SENTENCEPIECE_FILE).write_bytes(b"broken")
    with pytest.raises(PipelineLoadError, match="not a readable vocabulary"):
        read_encoder(tmp_path)


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_lambda.runtime.curated.wordpieces.CACHED_WORDS", 3)
    asked: list[str] = []
    cache = WordCache(lambda word: asked.append(word) or [len(word)])
    for word in ("a", "a", "bb", "ccc", "a", "dddd", "a", "x" * 60, "x" * 60):
        assert list(cache(word)) == [len(word)]
    assert asked == ["a", "bb", "ccc", "dddd", "a", "x" * 60, "x" * 60]
