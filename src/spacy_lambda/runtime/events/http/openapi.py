"""The API's description, with the pipeline's own labels and an example prediction (https://spec.openapis.org/oas/v3.1.1)."""

from __future__ import annotations

from typing import Any

from spacy_lambda.core.request_options import DOC_PARTS, LONG_TEXT
from spacy_lambda.runtime.events.http.info import describe
from spacy_lambda.runtime.events.http.problems import PROBLEM_TYPE
from spacy_lambda.runtime.labels import pipeline_labels
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.scores import score_kind

__all__ = ["openapi"]

EXAMPLE = "Thin films of iron oxide were grown on silicon by molecular beam epitaxy."
STRING = {"type": "string"}
OFFSET = {"type": "integer", "minimum": 0}


def openapi(predictor: Predictor, base: str = "") -> dict[str, Any]:
    """Return an OpenAPI 3.1 document.

    :param base: The base path of the API; relative to the document's host, which behind a proxy is not the event's.
    """
    about = describe(predictor)
    default = f"The spaCy pipeline {about['name']}."
    return {
        "openapi": "3.1.0",
        "info": {
            "title": about["name"],
            "version": about["version"],
            "description": "\n\n".join(filter(None, (about["description"] or default, about["notes"]))),
            **({"license": {"name": str(about["license"])}} if about["license"] else {}),
        },
        "servers": [{"url": base or "/"}],
        "paths": {
            "/predict": {"post": _predict(predictor)},
            "/health": {
                "get": _get("health", "Health of the function.", {"status": {"type": "string", "const": "ok"}})
            },
            "/info": {"get": _get("info", "Name, labels, versions, hashes and figures of the pipeline.", {})},
            "/openapi.json": {"get": _get("openapi", "This document.", {})},
        },
        "components": {"schemas": _schemas(predictor)},
    }


def _predict(predictor: Predictor) -> dict[str, Any]:
    example = predictor.predict(predictor.parse({"text": EXAMPLE}))
    return {
        "operationId": "predict",
        "summary": "Entities of one text or of several.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("Request"), "example": {"text": EXAMPLE}}},
        },
        "responses": {
            "200": {
                "description": "One prediction for each text, in order; for one text, its prediction.",
                "content": {"application/json": {"schema": _ref("Response"), "example": example}},
            },
            "400": _problem("The request is invalid; the problem names the key."),
            "413": _too_large(),
            "415": _problem("The body is of another type."),
        },
    }


def _get(name: str, summary: str, properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": sorted(properties)}
    response = {"description": summary, "content": {"application/json": {"schema": schema}}}
    return {"operationId": name, "summary": summary, "responses": {"200": response}}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {PROBLEM_TYPE: {"schema": _ref("Problem")}}}


def _too_large() -> dict[str, Any]:
    """Describe Lambda's own refusal of bodies over its limit, which has another form."""
    problem = _problem(
        "More than the function can process in its time and memory: a text, all texts, or the response. Send fewer "
        "texts, split them, or request the response compressed with gzip."
    )
    return {**problem, "content": {**problem["content"], "application/json": {"schema": {"type": "object"}}}}


def _schemas(predictor: Predictor) -> dict[str, Any]:
    limits, unit = predictor.capacity.limits, predictor.capacity.speed.unit
    text = {
        "type": "string",
        "description": (
            f"Up to {limits.text_characters:,} characters and {limits.text_units:,} {unit}, or more with long_text"
            " split."
        ),
    }
    texts = {
        "type": "array",
        "items": text,
        "description": f"Up to {limits.texts:,} texts, of {limits.total_characters:,} characters in total.",
    }
    options = {"include": {"type": "array", "items": _ref("DocPart")}, "long_text": _ref("LongText")}
    labels = pipeline_labels(predictor.nlp, None)
    entities = {"type": "array", "items": {"anyOf": [_ref("Entity"), _ref("EntityGroup")]}}
    objects = {"type": "array", "items": {"type": "object"}}
    parts = {
        "ents": entities,
        "sents": objects,
        "tokens": objects,
        "cats": {"type": "object", "additionalProperties": {"type": "number"}},
        "spans": {"type": "object", "additionalProperties": objects},
    }
    return {
        "Request": {"oneOf": [_ref("TextRequest"), _ref("TextsRequest"), _ref("InputsRequest")]},
        "TextRequest": _object({"text": text}, **options),
        "TextsRequest": _object({"texts": texts}, **options),
        "InputsRequest": _object({"inputs": {"anyOf": [text, texts]}}, **options),
        "Response": {"anyOf": [_ref("Prediction"), {"type": "array", "items": _ref("Prediction")}]},
        "Prediction": {"anyOf": [entities, _ref("DocParts")]},
        "Entity": _object({"text": STRING, "label": _ref("Label"), "start": OFFSET, "end": OFFSET}),
        "EntityGroup": _object(
            {"entity_group": _ref("Label"), "word": STRING, "start": OFFSET, "end": OFFSET, "score": _score(predictor)}
        ),
        "DocParts": {"type": "object", "properties": parts, "additionalProperties": False},
        "DocPart": {**STRING, "enum": list(DOC_PARTS)},
        "LongText": {**STRING, "enum": list(LONG_TEXT)},
        "Label": {**STRING, **({"enum": sorted(labels.listed)} if labels.listed and labels.is_complete else {})},
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": STRING,
                "title": STRING,
                "status": {"type": "integer"},
                "detail": STRING,
                "remedy": STRING,
                "key": STRING,
                "keys": {"type": "array", "items": STRING},
            },
        },
    }


def _score(predictor: Predictor) -> dict[str, Any]:
    kind = score_kind(predictor.nlp)
    if kind == "constant 1.0":
        return {"type": "number", "const": 1.0, "description": "The pipeline has no scores of its own."}
    source = (
        "the probability of the analyses in the beam that have this entity"
        if kind == "beam"
        else "the score of spancat"
    )
    return {"type": "number", "minimum": 0, "description": f"From the pipeline: {source}."}


def _object(required: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {**required, **more}
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": False}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
