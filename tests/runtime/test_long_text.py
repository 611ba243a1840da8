"""Texts over the limit: nothing is lost, and every offset is one of the whole text."""

from __future__ import annotations

import itertools
import random

import pytest
import spacy
from spacy.language import Language

from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.long_text import Segment, merge_predictions, split_text
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import parse_request

ALPHABET = ["iron ", "a", ". ", "\n\n", "🧪", "e\u0301", "x" * 30, " "]


@pytest.fixture(scope="module")
def nlp() -> Language:
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "METAL", "pattern": "iron"}])  # type: ignore[attr-defined]
    nlp.max_length = 40
    return nlp


@pytest.mark.parametrize("limit", [1, 2, 7, 40, 1000])
def test_pieces_are_the_text(limit: int) -> None:
    source = random.Random(limit)
    for _ in range(200):
        text = "".join(source.choices(ALPHABET, k=source.randrange(30)))
        segments = split_text(text, limit)
        assert "".join(segment.text for segment in segments) == text
        assert all(len(segment.text) <= limit for segment in segments)
        assert [segment.start for segment in segments] == [0, *itertools.accumulate(len(p.text) for p in segments[:-1])]


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", [""]),
        ("short", ["short"]),
        ("One two. Three four five", ["One two. ", "Three four ", "five"]),
        ("abcdefghijklmnop", ["abcdefghijk", "lmnop"]),
        ("One two three four", ["One two ", "three four"]),
    ],
)
def test_where_it_is_cut(text: str, segments: list[str]) -> None:
    assert [segment.text for segment in split_text(text, 11)] == segments


def test_offsets_are_restored(nlp: Language) -> None:
    text = "The iron 🧪 melts. " * 20
    with pytest.raises(RequestError, match="the limit is 40") as caught:
        parse_request({"text": text}, max_length=nlp.max_length)
    assert caught.value.status == 413
    event = {"text": text, "long_text": "split", "include": ["ents", "sents", "tokens"]}
    found = Predictor(nlp, {}).predict(parse_request(event, max_length=nlp.max_length))
    assert len(found["ents"]) == 20
    for kind in ("ents", "sents", "tokens"):
        assert all(text[item["start"] : item["end"]] == item["text"] for item in found[kind])
    assert [token["head"] for token in found["tokens"]] == list(range(len(found["tokens"])))
    assert len(found["sents"]) == 20
    plain = Predictor(nlp, {}).predict(
        parse_request({"texts": ["iron", text], "long_text": "split"}, max_length=nlp.max_length)
    )
    assert [len(ents) for ents in plain] == [1, 20]


def test_categories_and_spans_of_pieces() -> None:
    segments = [Segment("aaa", 0), Segment("b", 3)]
    answers = [
        {"cats": {"X": 1.0, "Y": 0.0}, "spans": {"sc": [{"start": 0, "end": 1}]}},
        {"cats": {"X": 0.0, "Y": 1.0}, "spans": {"other": [{"start": 0, "end": 1}]}},
    ]
    assert merge_predictions(segments, answers) == {
        "cats": {"X": 0.75, "Y": 0.25},
        "spans": {"sc": [{"start": 0, "end": 1}], "other": [{"start": 3, "end": 4}]},
    }


def test_what_long_text_may_be() -> None:
    with pytest.raises(RequestError, match="long_text") as caught:
        parse_request({"text": "", "long_text": "cut"}, max_length=1)
    assert "refuse, split" in caught.value.remedy
