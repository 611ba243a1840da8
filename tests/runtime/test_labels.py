"""Labels of a pipeline are what its components declare, whatever the components are called."""

from __future__ import annotations

import json
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.runtime.events.http.openapi import openapi
from spacy_lambda.runtime.labels import PipelineLabels, entity_labels, pipeline_labels
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.scores import entity_source

METAL = [{"label": "METAL", "pattern": "iron"}]


@Language.component("declares_nothing")
def declares_nothing(doc: Doc) -> Doc:
    return doc


@Language.component("declares_entities", assigns=["doc.ents"])
def declares_entities(doc: Doc) -> Doc:
    return doc


def blank(*components: tuple[str, dict[str, Any]]) -> Language:
    nlp = spacy.blank("xx")
    for factory, config in components:
        component: Any = nlp.add_pipe(factory, name=f"my_{factory}", config=config)
        if hasattr(component, "add_patterns"):
            component.add_patterns(METAL)
        elif "ner" in factory:
            component.add_label("METAL")
    return nlp


def label_schema(nlp: Language) -> Any:
    return openapi(Predictor(nlp, {}))["components"]["schemas"]["Label"]


@pytest.mark.parametrize(
    ("factory", "config"),
    [
        ("ner", {}),
        ("beam_ner", {}),
        ("entity_ruler", {}),
        ("future_entity_ruler", {}),
        ("span_ruler", {"annotate_ents": True}),
    ],
)
def test_a_component_of_any_name_that_sets_entities(factory: str, config: dict[str, Any]) -> None:
    nlp = blank((factory, config))
    assert entity_labels(nlp) == ["METAL"]
    nlp.add_pipe("spancat")
    assert pipeline_labels(nlp, None) == PipelineLabels(
        is_predicted=True, listed=frozenset({"METAL"}), is_complete=True
    )
    assert entity_source(nlp) == "ents"


def test_the_description_of_the_api_has_them() -> None:
    nlp = blank(("future_entity_ruler", {}))
    assert label_schema(nlp) == {"type": "string", "enum": ["METAL"]}
    nlp.add_pipe("declares_nothing")
    assert label_schema(nlp) == {"type": "string"}
    assert "METAL" not in json.dumps(label_schema(blank(("span_ruler", {}))))


def test_components_that_set_no_entities_or_are_disabled() -> None:
    nlp = blank(("span_ruler", {}), ("sentencizer", {}), ("tagger", {}), ("ner", {}))
    nlp.disable_pipe("my_ner")
    assert pipeline_labels(nlp, None) == PipelineLabels(is_predicted=False, listed=frozenset(), is_complete=True)
    assert not pipeline_labels(nlp, None).has("METAL")
    assert pipeline_labels(nlp, "ruler").has("METAL")
    assert not pipeline_labels(nlp, "sc").is_predicted


@pytest.mark.parametrize("component", ["declares_nothing", "declares_entities"])
def test_components_that_list_nothing_may_predict_every_label(component: str) -> None:
    nlp = blank(("ner", {}))
    nlp.add_pipe(component)
    assert entity_labels(nlp) == ["METAL"]
    assert pipeline_labels(nlp, None).has("ANY")
    assert pipeline_labels(nlp, "sc").is_predicted == (component == "declares_nothing")
