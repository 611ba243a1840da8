"""Every event shape through every option, on a pipeline of rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.errors import MAX_MESSAGE, PipelineError
from spacy_lambda.runtime.events.records import error_of
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import parse_request

TEXT = "Iron grows. 🔬🔬 Tin melts."

ENTS = [
    {"text": "Iron", "label": "MATERIAL", "start": 0, "end": 4},
    {"text": "Tin", "label": "MATERIAL", "start": 15, "end": 18},
]
GROUPS = [
    {"entity_group": "MATERIAL", "word": "Iron", "start": 0, "end": 4, "score": 1.0},
    {"entity_group": "MATERIAL", "word": "Tin", "start": 15, "end": 18, "score": 1.0},
]
SENTS = [
    {"text": "Iron grows.", "start": 0, "end": 11},
    {"text": "🔬🔬 Tin melts.", "start": 12, "end": 25},
]


@pytest.fixture(scope="module")
def nlp() -> Language:
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    rules = [{"label": "MATERIAL", "pattern": "Iron"}, {"label": "MATERIAL", "pattern": "Tin"}]
    nlp.add_pipe("entity_ruler").add_patterns(rules)  # type: ignore[attr-defined]
    nlp.add_pipe("spans_and_cats")
    return nlp


@Language.component("spans_and_cats")
def spans_and_cats(doc: Doc) -> Doc:
    doc.spans["sc"] = list(doc.ents)[:1]
    doc.cats = {"HOT": 0.25}
    return doc


def ask(nlp: Language, event: dict[str, Any]) -> Any:
    """The answer, after JSON has had it."""
    return json.loads(
        json.dumps(Predictor(nlp, {}).predict(parse_request(event, max_length=nlp.max_length)), allow_nan=False)
    )


def test_text(nlp: Language) -> None:
    assert ask(nlp, {"text": TEXT}) == ENTS


def test_texts(nlp: Language) -> None:
    assert ask(nlp, {"texts": [TEXT, "", "Nothing.", TEXT]}) == [ENTS, [], [], ENTS]


def test_inputs(nlp: Language) -> None:
    assert ask(nlp, {"inputs": TEXT}) == GROUPS
    assert ask(nlp, {"inputs": [TEXT, ""]}) == [GROUPS, []]


@pytest.mark.parametrize("event", [{"text": ""}, {"inputs": ""}, {"texts": []}, {"inputs": []}])
def test_nothing_gives_an_empty_list(nlp: Language, event: dict[str, Any]) -> None:
    assert ask(nlp, event) == []


@pytest.mark.parametrize("part", DOC_PARTS)
@pytest.mark.parametrize(
    ("event", "entities"),
    [
        ({"text": TEXT}, ENTS),
        ({"texts": [TEXT, ""]}, ENTS),
        ({"inputs": TEXT}, GROUPS),
        ({"inputs": [TEXT, ""]}, GROUPS),
    ],
)
def test_every_shape_with_every_part(nlp: Language, event: dict[str, Any], entities: list[Any], part: str) -> None:
    found = ask(nlp, {**event, "include": [part]})
    first = found[0] if isinstance(found, list) else found
    expected: dict[str, Any] = {
        "ents": entities,
        "sents": SENTS,
        "cats": {"HOT": 0.25},
        "spans": {"sc": entities[:1]},
    }
    assert first.keys() == {part}
    if part == "tokens":
        assert [token["text"] for token in first[part]] == ["Iron", "grows", ".", "🔬", "🔬", "Tin", "melts", "."]
        assert all(TEXT[token["start"] : token["end"]] == token["text"] for token in first[part])
    else:
        assert first[part] == expected[part]


def test_all_parts_in_the_requested_order(nlp: Language) -> None:
    found = ask(nlp, {"text": TEXT, "include": ["sents", "ents"]})
    assert list(found) == ["sents", "ents"]


def test_a_pipeline_without_sentences_has_none() -> None:
    assert ask(spacy.blank("xx"), {"text": TEXT, "include": ["sents"]}) == {"sents": []}


class _FailsOnBatches:
    """A component that fails on some texts next to others, and on one in any case."""

    def __call__(self, doc: Doc) -> Doc:
        if doc.text == "never":
            raise ValueError("never")
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int) -> Iterator[Doc]:
        docs = list(stream)
        if len(docs) > 1 and not all(map(len, docs)):
            raise ValueError("an empty text in a batch")
        yield from map(self, docs)


@Language.factory("fails_on_batches")
def make_fails_on_batches(nlp: Language, name: str) -> _FailsOnBatches:
    return _FailsOnBatches()


def test_texts_that_fail_in_a_batch_run_alone(nlp: Language) -> None:
    failing = spacy.blank("en")
    failing.add_pipe("entity_ruler", source=nlp)
    failing.add_pipe("fails_on_batches")
    assert ask(failing, {"texts": [TEXT, "", "Tin"]}) == [ask(nlp, {"text": text}) for text in (TEXT, "", "Tin")]
    with pytest.raises(ValueError, match="never"):
        ask(failing, {"texts": [TEXT, "", "never"]})


class _Wrong:
    """A component that does with a text what the text asks for."""

    def __call__(self, doc: Doc) -> Doc:
        if doc.text == "stop":
            raise StopIteration
        return Doc(doc.vocab, ["something", "else"]) if doc.text == "another" else doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int) -> Iterator[Doc]:
        return (self(doc) for doc in stream if doc.text != "drop")


@Language.factory("wrong")
def make_wrong(nlp: Language, name: str) -> _Wrong:
    return _Wrong()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("another", "a component returned a Doc of another text, 'something else '"),
        ("stop", "a component raised StopIteration"),
    ],
)
def test_only_the_text_of_which_a_component_returns_no_doc_fails(nlp: Language, text: str, message: str) -> None:
    wrong = spacy.blank("en")
    wrong.add_pipe("entity_ruler", source=nlp)
    wrong.add_pipe("wrong")
    with pytest.raises(PipelineError, match=message):
        ask(wrong, {"text": text})
    requests = [parse_request({"text": one}, max_length=100) for one in ("Iron", text, "drop", "Tin")]
    first, error, dropped, last = Predictor(wrong, {}).predict_each(requests)
    assert ([one["text"] for one in (*first, *last)], dropped) == (["Iron", "Tin"], [])
    assert isinstance(error, PipelineError)


def test_an_error_has_a_message_of_limited_length() -> None:
    assert error_of(MemoryError()) == {"errorType": "MemoryError", "errorMessage": "MemoryError"}
    assert len(error_of(ValueError("x" * 5_000_000))["errorMessage"]) == MAX_MESSAGE


def test_a_request_leaves_no_strings_behind(nlp: Language) -> None:
    ask(nlp, {"text": TEXT})
    before = len(nlp.vocab.strings)
    for number in range(50):
        ask(nlp, {"texts": [f"unheard{number} of{number}", f"again{number}"]})
    assert len(nlp.vocab.strings) == before
