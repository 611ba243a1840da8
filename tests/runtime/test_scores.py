"""Scores: the pipeline's own where it has them, and 1.0 where it has none."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import fix_random_seed

from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.scores import BeamScores, entity_score, entity_source, keep_scores, score_kind, scored

TEXT = "Iron grows on silicon in Berlin ."


def ask(nlp: Language, event: dict[str, Any]) -> Any:
    function = Predictor(nlp, {})
    return json.loads(json.dumps(function.predict(function.parse(event)), allow_nan=False))


def trained(component: str) -> Language:
    nlp = spacy.blank("xx")
    ner = nlp.add_pipe(component)
    ner.add_label("METAL")  # type: ignore[attr-defined]
    ner.add_label("PLACE")  # type: ignore[attr-defined]
    fix_random_seed(0)
    examples = [Example.from_dict(nlp.make_doc(TEXT), {"entities": [(0, 4, "METAL"), (25, 31, "PLACE")]})]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(12):
        nlp.update(examples, sgd=optimizer)
    return nlp


@pytest.fixture(scope="module")
def beam() -> Language:
    nlp = trained("beam_ner")
    keep_scores(nlp)
    return nlp


def test_a_beam_gives_the_probabilities_of_its_entities(beam: Language) -> None:
    assert isinstance(beam.get_pipe("beam_ner"), BeamScores)
    found = ask(beam, {"inputs": [TEXT, "", "Berlin grows iron ."]})
    scores = [entity["score"] for entities in found for entity in entities]
    assert scores
    assert all(0 < score <= 1 for score in scores)
    assert any(score != 1.0 for score in scores)
    recognizer = beam.get_pipe("beam_ner").component  # type: ignore[attr-defined]
    doc = beam.make_doc(TEXT)
    expected = recognizer.scored_ents(recognizer.predict([doc]))[0]
    assert {(e["start"], e["end"], e["entity_group"]) for e in found[0]} <= {
        (doc[start].idx, doc[end - 1].idx + len(doc[end - 1]), label) for start, end, label in expected
    }
    assert score_kind(beam) == "beam"


def test_scores_are_in_a_serialized_doc(beam: Language) -> None:
    doc = beam(TEXT)
    copy = Doc(beam.vocab).from_bytes(doc.to_bytes())
    scores = [entity_score(span) for span in copy.ents]
    assert scores == [entity_score(span) for span in doc.ents]
    assert any(score != 1.0 for score in scores)
    assert copy.to_bytes() == doc.to_bytes()


def test_a_beam_predicts_as_before(beam: Language) -> None:
    recognizer = beam.get_pipe("beam_ner").component  # type: ignore[attr-defined]
    for text in (TEXT, "", "Berlin grows iron ."):
        doc = recognizer(beam.make_doc(text)) if text else beam.make_doc(text)
        found = ask(beam, {"text": text})
        assert [(e["text"], e["label"]) for e in found] == [(e.text, e.label_) for e in doc.ents]
        assert all(set(entity) == {"text", "label", "start", "end"} for entity in found)
    assert ask(beam, {"text": ""}) == ask(beam, {"inputs": ""}) == []
    assert beam.pipe_labels["beam_ner"] == ["METAL", "PLACE"]


def test_a_recognizer_without_a_beam_has_none() -> None:
    nlp = trained("ner")
    keep_scores(nlp)
    assert all(entity["score"] == 1.0 for entity in ask(nlp, {"inputs": TEXT}))
    assert score_kind(nlp) == "constant 1.0"
    assert not isinstance(nlp.get_pipe("ner"), BeamScores)


def categorized(doc: Doc) -> Doc:
    doc.spans["sc"] = [Span(doc, 0, 1, label="METAL"), Span(doc, 0, 2, label="EVENT")]
    doc.spans["sc"].attrs["scores"] = np.array([0.75, 0.5], dtype=np.float32)
    doc.spans["plain"] = [Span(doc, 1, 2, label="VERB")]
    return doc


@pytest.fixture
def spancat(monkeypatch: pytest.MonkeyPatch) -> Language:
    nlp = spacy.blank("xx")
    component = nlp.add_pipe("spancat")
    component.add_label("METAL")  # type: ignore[attr-defined]
    nlp.initialize()
    monkeypatch.setattr(type(component), "__call__", lambda self, doc: categorized(doc))
    monkeypatch.setattr(type(component), "pipe", lambda self, docs, **_: map(categorized, docs))
    return nlp


@pytest.mark.parametrize("texts", [TEXT, [TEXT, TEXT]])
def test_spans_of_a_categorizer_have_scores(spancat: Language, texts: Any) -> None:
    many = isinstance(texts, list)
    found = ask(spancat, {"texts" if many else "text": texts, "include": ["spans", "ents"]})
    first = found[0] if many else found
    assert first["spans"]["sc"][0] == {"text": "Iron", "label": "METAL", "start": 0, "end": 4, "score": 0.75}
    assert first["spans"]["plain"] == [{"text": "grows", "label": "VERB", "start": 5, "end": 10}]
    assert first["ents"] == []
    groups = ask(spancat, {"inputs": texts, "include": ["spans"]})
    assert (groups[0] if many else groups)["spans"]["sc"][1]["score"] == 0.5


def test_scores_that_are_arrays_of_one_number() -> None:
    """So does ``spancat_singlelabel`` give them."""
    doc = spacy.blank("en")(TEXT)
    doc.spans["sc"] = [doc[:1], doc[1:2]]
    doc.spans["sc"].attrs["scores"] = np.array([[0.25], [0.5]], dtype=np.float32)
    assert [score for _, score in scored(doc.spans["sc"])] == [0.25, 0.5]


def test_the_hubs_shape_gives_the_spans_of_a_pipeline_without_entities(spancat: Language) -> None:
    assert (entity_source(spancat), score_kind(spancat)) == ("spans", "spancat")
    found = ask(spancat, {"inputs": TEXT})
    assert [(group["entity_group"], group["score"]) for group in found] == [
        ("METAL", 0.75),
        ("EVENT", 0.5),
        ("VERB", 1.0),
    ]
    assert ask(spancat, {"text": TEXT}) == []
    spancat.add_pipe("entity_ruler")
    assert (entity_source(spancat), score_kind(spancat)) == ("ents", "constant 1.0")


def test_the_source_of_scores_is_reported(spancat: Language, beam: Language) -> None:
    from spacy_lambda.runtime.events.http.info import describe
    from spacy_lambda.runtime.events.http.openapi import openapi

    assert describe(Predictor(spancat, {}))["scores"] == "spancat"
    assert describe(Predictor(beam, {}))["scores"] == "beam"
    assert describe(Predictor(spacy.blank("xx"), {}))["scores"] == "constant 1.0"
    assert '"const": 1.0' in json.dumps(openapi(Predictor(spacy.blank("xx"), {}))["components"])
    assert '"const": 1.0' not in json.dumps(openapi(Predictor(beam, {}))["components"])
