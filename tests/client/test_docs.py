"""Docs of answers: equal to those of the function."""

from __future__ import annotations

from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Token
from spacy.vocab import Vocab

from spacy_lambda.client import Client
from spacy_lambda.client.docs import doc_of
from spacy_lambda.errors import InvokeError
from tests.client.fakes import Fake, served
from tests.profiles import examples

PIECES = [
    "Iron",
    "zinc ",
    "rusts",
    ". ",
    ".",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "🧪",
    "👩‍🔬",
    "e\u0301",
    "don't",
    "\u00a0",
    "\x00",
]
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.text(max_size=40))
GENERATED = settings(max_examples=examples(80))
ODD = ["", " ", "  ", "\r\n", " Iron", "Iron ", "Iron  ", "a  b", "a\r\nb \n", "👩‍🔬 x", "\u3000a"]


def starts(token: Token) -> bool | None:
    """A Doc's first token begins a sentence, marked or not; an answer does not show it for a Doc of one token."""
    return token.i == 0 or token.is_sent_start


def tokens(doc: Doc) -> list[tuple[Any, ...]]:
    return [
        (t.text, t.whitespace_, t.idx, t.lemma_, t.pos_, t.tag_, str(t.morph), t.dep_, t.head.i, starts(t)) for t in doc
    ]


def parts(doc: Doc) -> list[Any]:
    ents = [(e.start, e.end, e.label_) for e in doc.ents]
    spans = {key: [(s.start, s.end, s.label_) for s in group] for key, group in doc.spans.items()}
    sents = [(s.start, s.end) for s in doc.sents] if doc.has_annotation("SENT_START") else []
    return [doc.text, tokens(doc), ents, sents, spans, doc.cats]


@pytest.mark.slow
@GENERATED
@given(text=TEXTS)
def test_the_doc_is_the_functions(nlp: Language, text: str) -> None:
    doc = Client(served(nlp)).predict(text, as_doc=True)
    assert parts(doc) == parts(nlp(text))


def test_odd_texts(nlp: Language) -> None:
    docs = list(Client(served(nlp)).pipe(ODD, as_docs=True))
    assert [doc.text for doc in docs] == ODD
    assert [parts(doc) for doc in docs] == [parts(doc) for doc in nlp.pipe(ODD)]


@pytest.mark.slow
@GENERATED
@given(text=TEXTS, names=st.sets(st.sampled_from(["tagger", "parser", "ner", "textcat", "spancat", "morphologizer"])))
def test_pipelines_that_lack_something(nlp: Language, text: str, names: set[str]) -> None:
    with nlp.select_pipes(disable=[*names, "trainable_lemmatizer"]):
        doc = Client(served(nlp)).predict(text, as_doc=True)
        original = nlp(text)
    assert parts(doc) == parts(original)
    for attribute in ("DEP", "TAG", "POS", "LEMMA", "SENT_START"):
        if attribute != "DEP" or "parser" in names or any(token.dep for token in original):
            assert doc.has_annotation(attribute) == original.has_annotation(attribute)


@pytest.mark.slow
@GENERATED
@given(text=TEXTS, limit=st.integers(1, 30))
def test_texts_that_were_split(nlp: Language, text: str, limit: int) -> None:
    whole = nlp.max_length
    nlp.max_length = limit
    try:
        doc = Client(served(nlp)).predict(text, as_doc=True, long_text="split")
    finally:
        nlp.max_length = whole
    assert doc.text == text
    assert all(token.head in token.sent for token in doc)


def test_sentences_without_a_parser() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    doc = Client(served(nlp)).predict("Iron. Zinc. ", as_doc=True)
    assert [sent.text for sent in doc.sents] == ["Iron.", "Zinc."]
    assert not doc.has_annotation("DEP")


def test_vocabularies(nlp: Language) -> None:
    client, own = Client(served(nlp)), Vocab()
    first, second = client.pipe(["Iron", "zinc"], as_docs=True)
    assert first.vocab is second.vocab
    assert client.predict("Iron", as_doc=True, vocab=own).vocab is own
    assert next(iter(client.pipe(["Iron"], as_docs=True, vocab=own))).vocab is own


@pytest.mark.parametrize(("start", "end", "word"), [(0, 4, "iron"), (1, 4, "ron"), (0, 3, "Iro")])
def test_tokens_that_are_not_the_text(start: int, end: int, word: str) -> None:
    token = {"start": start, "end": end, "text": word} | dict.fromkeys(("lemma", "pos", "tag", "morph", "dep"), "")
    answer = {"ents": [], "sents": [], "cats": {}, "spans": {}, "tokens": [{**token, "head": 0}]}
    with pytest.raises(InvokeError, match="do not add up to the text") as caught:
        doc_of("Iron", answer, Vocab())
    assert "without as_doc" in caught.value.remedy


def test_include_and_docs_exclude_each_other() -> None:
    client: Any = Client(Fake(lambda event: None))
    for call in (
        lambda: client.predict("x", include=["ents"], as_doc=True),
        lambda: client.pipe([], include=[], as_docs=True),
    ):
        with pytest.raises(InvokeError, match="include has no meaning for Docs") as caught:
            call()
        assert caught.value.remedy == "leave include out"
