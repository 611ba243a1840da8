"""Words of a corpus that stay in the tokenizer's cache: the same tokens, and a bounded number of them."""

from __future__ import annotations

import pytest
import spacy

from spacy_lambda.core.annotation import AnnotateOptions, Document
from spacy_lambda.runtime import frequent_words
from spacy_lambda.runtime.annotation import annotate_documents
from spacy_lambda.runtime.frequent_words import FrequentWords
from spacy_lambda.runtime.predictor import Predictor

TEXTS = ("Don't heat (iron-oxide) films, e.g. at 900K.", "Don't cool iron-oxide, though: heat cracks films :-)")


def test_tokens_are_the_same() -> None:
    nlp, other = spacy.blank("en"), spacy.blank("en")
    FrequentWords(nlp.tokenizer).learn(TEXTS * 2)
    for text in TEXTS:
        assert [token.text_with_ws for token in nlp(text)] == [token.text_with_ws for token in other(text)]


def test_only_words_that_occur_again_stay() -> None:
    nlp = spacy.blank("en")
    predictor = Predictor(nlp, {})
    documents = [Document(number, text, "a", number) for number, text in enumerate(TEXTS)]
    done = list(annotate_documents(documents, predictor, AnnotateOptions(include=("tokens",))))
    assert not any(one.failed for one in done)
    assert "heat" in nlp.vocab.strings
    assert not any(word in nlp.vocab.strings for word in ("cracks", "films"))  # films: once with a comma


def test_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frequent_words, "MAX_WORDS", 2)
    monkeypatch.setattr(frequent_words, "MAX_SEEN", 10)
    nlp = spacy.blank("en")
    before = len(nlp.vocab.strings)
    words = FrequentWords(nlp.tokenizer)
    for number in range(100):
        words.learn([f"alpha beta gamma word{number}", "x" * 30])
    assert sum(word in nlp.vocab.strings for word in ("alpha", "beta", "gamma")) == 2
    assert len(nlp.vocab.strings) < before + 20
