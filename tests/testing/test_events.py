"""Generated events: recognized as their service's, and shaped as the recorded ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda.runtime.events.dispatch import dispatch, event_sources
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.testing import EVENT_KINDS, make_event

SAMPLES = Path(__file__).parents[1] / "runtime" / "events" / "samples"
TEXT = "Films of iron."
METAL = [{"text": "iron", "label": "METAL", "start": 9, "end": 13}]

SOURCES = {
    "alb": ("Application Load Balancer", "http_alb_predict"),
    "api-gateway-http": ("Function URL or API Gateway, payload 2.0", "http_http_api_with_stage"),
    "api-gateway-rest": ("API Gateway, payload 1.0", "http_rest_api_predict"),
    "bedrock-agent": ("Bedrock agent", "bedrock_agent_function"),
    "eventbridge": ("EventBridge", "eventbridge"),
    "eventbridge-s3": ("EventBridge", "eventbridge_s3"),
    "function-url": ("Function URL or API Gateway, payload 2.0", "http_function_url_predict"),
    "kinesis": ("Kinesis", "kinesis"),
    "s3": ("S3", "s3_txt"),
    "sns": ("SNS", "sns"),
    "sqs": ("SQS", "sqs_one"),
    "sqs-fifo": ("SQS", "sqs_fifo"),
    "sqs-sns": ("SQS", "sqs_wrapped"),
    "step-functions": ("Step Functions", "step_functions_text"),
    "warmer": ("ping", "ping_warmer"),
}
"""The event source of each kind, and a recorded event of it; a direct invocation has neither."""

OBJECTS = {"s3", "eventbridge-s3"}


def event_of(kind: str, texts: list[str]) -> dict[str, Any]:
    return make_event(kind, objects=["s3://papers/a b+ü.txt"]) if kind in OBJECTS else make_event(kind, texts)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    nlp = spacy.blank("xx")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "METAL", "pattern": "iron"}])  # type: ignore[attr-defined]
    return Predictor(nlp, {})


def test_every_kind_has_a_source() -> None:
    assert {*EVENT_KINDS} == {*SOURCES, "direct"}
    assert {name for name, _ in SOURCES.values()} == {source.name for source in event_sources()} - {"shard"}


@pytest.mark.parametrize("kind", SOURCES)
def test_only_its_source_recognizes_an_event(kind: str) -> None:
    event = json.loads(json.dumps(event_of(kind, [TEXT])))
    assert [source.name for source in event_sources() if source.matches(event)] == [SOURCES[kind][0]]


@pytest.mark.parametrize("kind", sorted({*SOURCES} - {"warmer"}))
def test_an_event_has_the_keys_of_a_recorded_one(kind: str) -> None:
    recorded = json.loads((SAMPLES / f"{SOURCES[kind][1]}.json").read_text(encoding="utf-8"))["event"]
    made = event_of(kind, [TEXT])
    missing = keys(recorded) - keys(made)
    assert {path for path in missing if not path.startswith(".key.")} <= {".requestContext.identity.userAgent"}


def keys(value: Any, path: str = "") -> set[str]:
    """The paths of all keys, headers aside; of a list those of its first member."""
    if isinstance(value, list):
        return keys(value[0], f"{path}[]") if value else set()
    if not isinstance(value, dict) or path.lower().endswith("headers"):
        return set()
    return {f"{path}.{key}" for key in value}.union(*(keys(one, f"{path}.{key}") for key, one in value.items()))


@pytest.mark.parametrize("kind", ["alb", "api-gateway-http", "api-gateway-rest", "function-url"])
def test_http_events_are_answered(predictor: Predictor, kind: str) -> None:
    answer = dispatch(make_event(kind, [TEXT]), None, predictor)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == METAL
    several = dispatch(make_event(kind, [TEXT, ""]), None, predictor)
    assert json.loads(several["body"]) == [METAL, []]
    assert dispatch(make_event(kind, [TEXT], path="/nowhere"), None, predictor)["statusCode"] == 404


@pytest.mark.parametrize("texts", [[TEXT], [TEXT, ""]])
def test_requests_are_answered(predictor: Predictor, texts: list[str]) -> None:
    prediction = METAL if len(texts) == 1 else [METAL, []]
    assert dispatch(make_event("direct", texts), None, predictor) == prediction
    assert dispatch(make_event("step-functions", texts), None, predictor) == {"key": "0", "answer": prediction}
    agent = dispatch(make_event("bedrock-agent", texts), None, predictor)
    body = agent["response"]["functionResponse"]["responseBody"]["TEXT"]["body"]
    assert json.loads(body) == prediction
    assert dispatch(make_event("direct", texts, include=["ents"]), None, predictor) == (
        {"ents": METAL} if len(texts) == 1 else [{"ents": METAL}, {"ents": []}]
    )


@pytest.mark.parametrize("kind", ["sqs", "sqs-fifo", "sqs-sns", "sns", "kinesis"])
def test_a_batch_has_a_record_for_each_text(kind: str) -> None:
    records = make_event(kind, ["a", "b", "c"])["Records"]
    assert len({json.dumps(record, sort_keys=True) for record in records}) == 3
    assert make_event(kind, ["a", "b", "c"])["Records"] == records


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("queue", {}, "no events of kind 'queue'; choose from alb"),
        ("sqs", {}, "sqs events need texts"),
        ("sqs", {"texts": ["a"], "objects": ["s3://b/c"]}, "objects are for"),
        ("s3", {"texts": ["a"]}, "s3 events need objects"),
        ("s3", {"objects": ["b/c.txt"]}, "'b/c.txt' is not the location of an object"),
        ("eventbridge-s3", {"objects": ["s3://b/c", "s3://b/d"]}, "has one object"),
    ],
)
def test_wrong_arguments(kind: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_event(kind, **arguments)
