"""Docs of hostile answers: a Doc or a known error."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_lambda.client.docs import doc_of
from spacy_lambda.errors import InvokeError
from tests.profiles import examples

pytestmark = pytest.mark.slow


TOKEN = {"start": 0, "end": 4, "text": "Iron", "lemma": "iron", "pos": "NOUN", "tag": "NN", "morph": "", "dep": "ROOT"}
TOKENS = [{**TOKEN, "head": 0}, {**TOKEN, "start": 5, "end": 10, "text": "rusts", "head": 0}]
ENTITY = {"text": "Iron", "label": "METAL", "start": 0, "end": 4}
ANSWER = {"tokens": TOKENS, "ents": [ENTITY], "sents": [{"start": 0, "end": 10}], "cats": {"A": 0.5}, "spans": {}}
WRONG: list[Any] = [None, True, -1, 1, 4.5, 10**30, float("nan"), float("inf"), "", "x", "\ud800", [], {}, [[]], [None]]
TEXT = "Iron rusts"
ANY = st.sampled_from([*WRONG, 0, 4, 5, 10])


def changed(value: Any, path: list[Any], wrong: Any) -> Any:
    if not path:
        return wrong
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], wrong)
    return copy


def places(value: Any, path: list[Any]) -> Iterator[list[Any]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, [*path, key])


def made(answer: Any) -> Doc | None:
    with contextlib.suppress(InvokeError):
        return doc_of(TEXT, answer, Vocab())
    return None


@pytest.mark.parametrize("path", list(places(ANSWER, [])), ids=lambda path: ".".join(map(str, path)) or "all")
def test_a_doc_of_anything_is_a_doc_or_a_known_error(path: list[Any]) -> None:
    for wrong in WRONG:
        doc = made(changed(ANSWER, path, wrong))
        if doc is not None:
            assert doc.text == TEXT
            assert all(0 <= token.head.i < len(doc) for token in doc)
            assert doc.to_json()["text"] == TEXT
            assert list(doc.sents)
    holder: Any = ANSWER
    for key in path[:-1]:
        holder = holder[key]
    if path and isinstance(holder, dict) and path[-1] not in ("A", "text") and path[:1] != ["cats"]:
        without = {key: value for key, value in holder.items() if key != path[-1]}
        doc = made(changed(ANSWER, path[:-1], without))
        assert doc is None or path[0] in ("sents", "ents")


@pytest.mark.parametrize(
    "answer",
    [
        {**ANSWER, "ents": [ENTITY, {**ENTITY, "end": 10}]},
        {**ANSWER, "ents": [{**ENTITY, "start": 1}]},
        {**ANSWER, "ents": [{**ENTITY, "start": 5, "end": 4}]},
        {**ANSWER, "ents": [{**ENTITY, "start": -10}]},
        {**ANSWER, "spans": {"sc": [{**ENTITY, "end": 11}]}},
        {**ANSWER, "tokens": [{**TOKENS[0], "head": 1}, {**TOKENS[1], "head": 0}]},
        {**ANSWER, "tokens": [{**TOKENS[0], "head": 2}, TOKENS[1]]},
        {**ANSWER, "tokens": TOKENS[::-1]},
        {**ANSWER, "tokens": [{**TOKENS[0], "start": -10, "end": -6}, TOKENS[1]]},
        {**ANSWER, "sents": [{"start": 2}]},
        {**ANSWER, "cats": {"A": "1"}},
        {"tokens": TOKENS},
    ],
)
def test_places_that_cannot_be(answer: Any) -> None:
    with pytest.raises(InvokeError):
        doc_of(TEXT, answer, Vocab())


@settings(max_examples=examples(200))
@given(
    answer=st.fixed_dictionaries(
        {
            "tokens": st.lists(
                st.fixed_dictionaries({key: st.sampled_from([*WRONG, 0, 4, 5, 10]) for key in TOKENS[0]})
            ),
            "ents": st.lists(
                st.dictionaries(st.sampled_from(["start", "end", "label"]), st.sampled_from([*WRONG, 0, 4]))
            ),
            "sents": st.lists(st.dictionaries(st.just("start"), ANY)),
            "cats": st.dictionaries(st.text(), st.sampled_from(WRONG)),
            "spans": st.dictionaries(st.text(), st.lists(st.sampled_from([*WRONG, ENTITY]))),
        }
    )
)
def test_docs_of_generated_answers(answer: Any) -> None:
    doc = made(answer)
    assert doc is None or doc.text == TEXT
