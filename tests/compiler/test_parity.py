"""The central test: a compiled pipeline predicts what its original predicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.runtime.encoder_output import get_encoding
from tests.compiler.originals import EDGE_TEXTS, TEXTS, WORDS, Pair
from tests.profiles import examples

TOLERANCE = 1e-4
"""Largest difference of a token vector, relative to the largest value of any token vector."""

ALL_COMPONENTS = ("tagger", "parser", "ner", "spancat", "textcat")

LONG_TEXT = "5,000 tokens"
MANY_TEXTS = [*TEXTS, *(text for name, text in EDGE_TEXTS.items() if name != LONG_TEXT), " ".join(WORDS * 15)]
"""Texts of all kinds, none of which takes long; the longest has many windows."""

SPAN_GETTERS: dict[str, dict[str, Any]] = {
    "strided": {"@span_getters": "spacy-transformers.strided_spans.v1", "window": 24, "stride": 16},
    "strided, no overlap": {"@span_getters": "spacy-transformers.strided_spans.v1", "window": 8, "stride": 8},
    "doc": {"@span_getters": "spacy-transformers.doc_spans.v1"},
    "sent": {"@span_getters": "spacy-transformers.sent_spans.v1"},
}


def annotated(doc: Doc) -> dict[str, Any]:
    """Return all annotations of the components, except scores."""
    return {
        "ents": [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents],
        "tags": [token.tag_ for token in doc],
        "heads": [(token.head.i, token.dep_) for token in doc],
        "spans": [(span.start, span.end, span.label_) for span in doc.spans.get("sc", [])],
    }


def vectors(nlp: Language, docs: list[Doc], component: str) -> list[np.ndarray[Any, Any]]:
    """Return the listener's vectors for each Doc that is not empty. *Shape of each:* ``(n_tokens, width)``"""
    filled = [doc for doc in docs if len(doc)]
    pipe: Any = nlp.get_pipe(component)
    return list(pipe.model.get_ref("tok2vec").predict(filled)) if filled else []


def assert_same(pair: Pair, texts: list[str], component: str = "ner") -> None:
    """Check that both pipelines give the same annotations, one by one and through ``pipe``."""
    first, second = pair
    ways: tuple[Callable[[Language], list[Doc]], ...] = (
        lambda nlp: list(nlp.pipe(texts)),
        lambda nlp: [nlp(text) for text in texts],
    )
    for way in ways:
        expected, found = way(first), way(second)
        assert [annotated(doc) for doc in found] == [annotated(doc) for doc in expected]
        for old, new in zip(expected, found, strict=True):
            assert new.cats == pytest.approx(old.cats, abs=1e-4)
        for old_vectors, new_vectors in zip(
            vectors(first, expected, component), vectors(second, found, component), strict=True
        ):
            limit = TOLERANCE * max(1.0, float(np.abs(old_vectors).max()))
            np.testing.assert_allclose(new_vectors, old_vectors, rtol=0, atol=limit)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=name, marks=pytest.mark.slow if name == LONG_TEXT else ())
        for name, text in EDGE_TEXTS.items()
    ],
)
def test_edge_texts(pair: Callable[..., Pair], text: str) -> None:
    assert_same(pair(lang="en"), [text])


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "strided" else pytest.mark.slow) for name in SPAN_GETTERS]
)
def test_span_getters(pair: Callable[..., Pair], name: str) -> None:
    both = pair(get_spans=SPAN_GETTERS[name], before=("sentencizer",))
    assert_same(both, [text for text in MANY_TEXTS if text.strip()])


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["bert", "bert-relu", "electra", "roberta", "distilbert"])
def test_architectures(pair: Callable[..., Pair], architecture: str) -> None:
    assert_same(pair(architecture=architecture), MANY_TEXTS)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_older_models(pair: Callable[..., Pair], version: str) -> None:
    assert_same(pair(model=f"spacy-transformers.TransformerModel.{version}"), list(TEXTS))


@pytest.mark.slow
def test_every_listening_component(pair: Callable[..., Pair]) -> None:
    both = pair(components=ALL_COMPONENTS)
    found = annotated(both[0](" ".join(TEXTS)))
    assert found["ents"], "the original annotates nothing: the test would prove nothing"
    assert found["spans"], "the original annotates nothing: the test would prove nothing"
    assert_same(both, [*TEXTS, *EDGE_TEXTS.values()])


characters = st.characters(codec="utf-8", exclude_categories=["Cs"])
words = st.one_of(
    st.sampled_from(WORDS),
    st.text(characters, max_size=12),
    st.sampled_from(["🧑‍🔬", "e\u0301", "\u200b", "\ufeff", "\r\n", "[SEP]", "שלום", "x" * 90, "temperature" * 9]),
)
texts_of_words = st.builds(
    lambda parts: "".join(word + gap for word, gap in parts),
    st.lists(st.tuples(words, st.sampled_from([" ", "", "  ", "\n", "\t", "\u00a0"])), max_size=60),
)


@pytest.mark.slow
@given(texts=st.lists(texts_of_words, min_size=1, max_size=3))
@settings(max_examples=examples(150))
def test_any_text(pair: Callable[..., Pair], texts: list[str]) -> None:
    assert_same(pair(lang="en"), texts)


@pytest.mark.slow
@given(texts=st.lists(texts_of_words, min_size=1, max_size=3))
@settings(max_examples=examples(60))
def test_any_text_in_bytes(pair: Callable[..., Pair], texts: list[str]) -> None:
    assert_same(pair(architecture="roberta"), texts)


def test_batches_change_nothing(pair: Callable[..., Pair]) -> None:
    """A text's hidden states do not depend on its neighbours, even where activations are quantized."""
    _, compiled = pair(precision="int8")
    for text, together in zip(MANY_TEXTS, compiled.pipe(MANY_TEXTS, batch_size=7), strict=True):
        alone = get_encoding(compiled(text))
        batched = get_encoding(together)
        assert alone is not None
        assert batched is not None
        np.testing.assert_array_equal(alone.hidden, batched.hidden)
