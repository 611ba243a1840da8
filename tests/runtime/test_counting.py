"""The wordpieces and tokens of a text are counted; they are not made again, unless the windows have changed since."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.runtime.capacity import Capacity
from spacy_lambda.runtime.encoder_output import get_encoding
from spacy_lambda.runtime.speed import SECONDS_PER_TOKEN, count_units

TEXT = "Thin films of iron oxide were grown on silicon by pulsed laser deposition. " * 30


def encoded(nlp: Language, doc: Doc) -> Any:
    found = get_encoding(nlp.get_pipe("transformer")(doc))
    assert found is not None
    return found


def merge(doc: Doc) -> None:
    with doc.retokenize() as retokenizer:
        for start in range(0, 300, 10):
            retokenizer.merge(doc[start : start + 3])


@pytest.mark.parametrize("change", [lambda doc: None, merge], ids=["the same tokens", "merged tokens"])
def test_what_was_counted_changes_no_encoding(change: Any, bundled: Language) -> None:
    counted, fresh = bundled.make_doc(TEXT), bundled.make_doc(TEXT)
    encoder: Any = bundled.get_pipe("transformer")
    assert encoder.count_wordpieces(counted) > len(counted)
    change(counted)
    change(fresh)
    first, second = encoded(bundled, counted), encoded(bundled, fresh)
    assert np.array_equal(first.hidden, second.hidden)
    assert np.array_equal(first.rows, second.rows)
    assert counted.user_data.keys() == fresh.user_data.keys()


def test_each_window_is_tokenized_once(bundled: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder: Any = bundled.get_pipe("transformer")
    tokenizer, seen = encoder._tokenizer, list[str]()

    def noted(text: str) -> Any:
        seen.append(text)
        return tokenizer(text)

    monkeypatch.setattr(encoder, "_tokenizer", noted)
    doc = bundled.make_doc(TEXT)
    encoder.count_wordpieces(doc)
    windows = len(seen)
    encoder(doc)
    assert 1 < windows == len(seen)


ODD = {
    "emoji in a word": "a" + "\U0001f600" * 3_000 + "a",
    "one sign in a word": "a" + "=" * 3_000 + "a",
    "many such words": ("a" + "\U0001f600" * 39 + "a ") * 75,
    "symbols": "\u2603" * 3_000,
    "words that are unknown": ("qxzjkvw" * 14 + " ") * 60,
    "one word": "x" * 3_000,
    "English": "Thin films of iron oxide were grown on silicon. " * 40,
}


@pytest.mark.parametrize("name", ODD)
def test_units_count_what_the_encoder_sees_and_the_tokens(name: str, bundled: Language) -> None:
    capacity, text = Capacity(bundled, {}), ODD[name]
    doc = capacity.tokenizing.make_doc(text, capacity.tokenizing.cost(text))
    encoder: Any = bundled.get_pipe("transformer")
    units = count_units(bundled, doc)
    assert units >= encoder.count_wordpieces(doc)
    assert units * capacity.speed.seconds_per_unit >= 0.99 * SECONDS_PER_TOKEN * len(doc)


def test_wordpieces_are_counted_before_there_are_sentences(bundled: Language) -> None:
    encoder: Any = bundled.get_pipe("transformer")
    doc = bundled.make_doc(ODD["words that are unknown"])

    def sentences(doc: Doc) -> Any:
        raise ValueError("E030")

    expected, encoder._windows, windows = encoder.count_wordpieces(doc), sentences, encoder._windows
    try:
        assert count_units(bundled, doc) >= 0.7 * expected > 5 * len(doc)
    finally:
        encoder._windows = windows
