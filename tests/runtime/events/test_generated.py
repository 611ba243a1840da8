"""Thousands of generated requests through the one path of the handler: the response to any request is well-formed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import spacy
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.events.dispatch import EVENT_KEYS, dispatch
from spacy_lambda.runtime.events.sqs import SqsEvent
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import KEYS
from tests.profiles import examples

TEXTS = st.text(st.one_of(st.characters(), st.sampled_from("iron 🧪\u0301\u200f\ud83d")), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
INCLUDE = st.lists(st.sampled_from(DOC_PARTS) | JSON, max_size=4)
BODIES = JSON | st.fixed_dictionaries(
    {},
    optional={
        "text": TEXTS | JSON,
        "texts": st.lists(TEXTS, max_size=4) | JSON,
        "inputs": TEXTS | st.lists(TEXTS, max_size=3) | JSON,
        "include": INCLUDE | JSON,
        "long_text": st.sampled_from(["split", "refuse"]) | JSON,
    },
)
PATHS = st.sampled_from(["/predict", "/predict/", "/health", "/info", "/openapi.json", "/", "//"]) | TEXTS
METHODS = st.sampled_from(["POST", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"]) | TEXTS | JSON
TEMPLATES = st.sampled_from(["/{proxy+}", "/ner/{proxy+}", "/ner/predict", "/ner", "$default", "POST /{proxy+}"]) | JSON
ROUTES = st.fixed_dictionaries(
    {},
    optional={
        "resource": TEMPLATES,
        "routeKey": TEMPLATES,
        "pathParameters": st.fixed_dictionaries({"proxy": PATHS | JSON}) | JSON,
        "version": st.just("1.0") | JSON,
    },
)
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "Accept-Encoding", "content-encoding", "origin"]) | TEXTS,
    st.sampled_from(["application/json", "gzip", "gzip;q=0", "identity", "text/html"]) | TEXTS | JSON,
    max_size=4,
)


def make_function() -> Predictor:
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "METAL", "pattern": "iron"}])  # type: ignore[attr-defined]
    nlp.max_length = 50
    return Predictor(nlp, {"SPACY_LAMBDA_CORS": "*"}, "0a")


FUNCTION = make_function()


def check_offsets(answer: Any, text: str) -> None:
    """Every item of one text's answer says where it is."""
    parts = answer if isinstance(answer, dict) else {"ents": answer}
    groups = [parts[part] for part in ("ents", "sents", "tokens") if part in parts]
    for item in (item for group in groups for item in group):
        assert text[item["start"] : item["end"]] == item.get("text", item.get("word"))


def check_answer(answer: Any, request: Any) -> None:
    key = next(key for key in ("text", "texts", "inputs") if key in request)
    if isinstance(request[key], str):
        check_offsets(answer, request[key])
    else:
        assert len(answer) == len(request[key])
        for one, text in zip(answer, request[key], strict=True):
            check_offsets(one, text)


@settings(max_examples=examples(600))
@given(BODIES)
def test_direct_invocations(event: Any) -> None:
    try:
        answer = dispatch(event, None, FUNCTION)
    except RequestError:
        return
    json.dumps(answer, allow_nan=False)
    check_answer(answer, event)


@settings(max_examples=examples(800))
@given(BODIES, st.booleans(), st.booleans())
def test_bodies(body: Any, encoded: bool, multiple: bool) -> None:
    text = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    event: dict[str, Any] = {"httpMethod": "POST", "path": "/predict", "requestContext": {}}
    event["body"] = base64.b64encode(text).decode() if encoded else text.decode("utf-8", "surrogatepass")
    event["isBase64Encoded"] = encoded
    if multiple:
        event["requestContext"] = {"elb": {}}
        event["multiValueHeaders"] = {"content-type": ["application/json"]}
    answer = dispatch(event, None, FUNCTION)
    said = json.loads(answer["body"])
    json.dumps(answer, allow_nan=False).encode()
    if answer["statusCode"] == 200:
        check_answer(said, body)
    else:
        assert 400 <= answer["statusCode"] < 500
        assert said["status"] == answer["statusCode"]
        assert said["detail"]


@settings(max_examples=examples(800))
@given(
    METHODS, PATHS, HEADERS | JSON, TEXTS | JSON, st.booleans() | JSON, st.sampled_from(["2.0", "1.0", "elb"]), ROUTES
)
def test_calls(method: Any, path: Any, headers: Any, body: Any, encoded: Any, door: str, route: dict[str, Any]) -> None:
    event: dict[str, Any] = {**route, "headers": headers, "body": body, "isBase64Encoded": encoded}
    if door == "2.0":
        event |= {"rawPath": path, "requestContext": {"http": {"method": method}, "stage": "$default"}}
    else:
        event |= {"path": path, "httpMethod": method, "requestContext": {"elb": {}} if door == "elb" else {}}
    answer = dispatch(event, None, FUNCTION)
    json.dumps(answer, allow_nan=False).encode()
    assert 200 <= answer["statusCode"] < 500
    data = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
    headers = answer.get("headers") or {name: value for name, (value,) in answer["multiValueHeaders"].items()}
    assert all(value.isascii() and "\n" not in value for value in headers.values())
    if data and headers.get("content-encoding") != "gzip":
        json.loads(data)


@settings(max_examples=examples(600))
@given(st.dictionaries(st.sampled_from(EVENT_KEYS) | TEXTS, JSON, min_size=1, max_size=5))
def test_events_of_any_shape(event: dict[str, Any]) -> None:
    try:
        answer = dispatch(event, None, FUNCTION)
    except RequestError:
        return
    json.dumps(answer, allow_nan=False)


PARAMETERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(KEYS) | JSON, "value": TEXTS | JSON, "type": st.just("string") | JSON}
    ),
    max_size=3,
)


@settings(max_examples=examples(600))
@given(PARAMETERS | JSON, PARAMETERS | JSON, PATHS | JSON, METHODS, st.booleans())
@example([], [], [float("inf")], "POST", True)
def test_calls_of_agents(parameters: Any, properties: Any, path: Any, method: Any, is_api: bool) -> None:
    event: dict[str, Any] = {"actionGroup": "entities", "parameters": parameters}
    event["requestBody"] = {"content": {"application/json": {"properties": properties}}}
    event |= {"apiPath": path, "httpMethod": method} if is_api else {"function": "find"}
    response = dispatch(event, None, FUNCTION)["response"]
    if is_api:
        assert 200 <= response["httpStatusCode"] < 500
    else:
        state = response["functionResponse"].get("responseState")
        assert state in (None, "REPROMPT")
    json.dumps(response, allow_nan=False)


def test_the_response_to_an_agent_is_within_its_limit() -> None:
    text = {"name": "text", "type": "string", "value": "iron " * 10}
    many = {"name": "texts", "type": "array", "value": json.dumps(["iron " * 10] * 60)}
    for parameter, status in ((text, 200), (many, 413)):
        event = {"actionGroup": "entities", "apiPath": "/predict", "httpMethod": "POST", "parameters": [parameter]}
        response = dispatch(event, None, FUNCTION)["response"]
        assert (response["httpStatusCode"], len(json.dumps(response)) < 25_000) == (status, True)


def test_deep_nesting_is_a_request_error() -> None:
    event = {"httpMethod": "POST", "path": "/predict", "body": "[" * 100_000}
    answer = dispatch(event, None, FUNCTION)
    assert answer["statusCode"] == 400


@pytest.mark.parametrize("path", ["/predict%0d%0aX: 1", "/a\r\nb", "/" + "a" * 10_000])
def test_nothing_of_a_path_gets_into_headers(path: str) -> None:
    answer = dispatch({"httpMethod": "GET", "path": path}, None, FUNCTION)
    assert answer["statusCode"] == 404
    assert "\n" not in json.dumps(answer["multiValueHeaders"])
    assert len(answer["body"]) < 1000


GOOD = {"text": "iron"}
TOPIC = "arn:aws:sns:eu-west-1:123456789012:papers"
S3_TEST: dict[str, Any] = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "papers"}
WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda body: body,
    "SNS": lambda body: {"Type": "Notification", "MessageId": "inner", "TopicArn": TOPIC, "Message": json.dumps(body)},
    "EventBridge": lambda body: {"id": "inner", "source": "papers", "detail-type": "Received", "detail": body},
}
INSIDE = st.sampled_from(["good", "bad", "ping"])
LAYERS = st.sampled_from([(), ("SNS",), ("EventBridge",), ("EventBridge", "SNS")])
BAD: list[Any] = [{}, {"txet": "iron"}, {"text": 1}, "iron", [GOOD], None]
PINGS: list[Any] = [{"warmer": True}, {"warmer": True, "concurrency": 2}]


class Kept(dict[str, Any]):
    """An output: what was written, by name."""

    def write(self, name: str, body: bytes) -> None:
        self[name] = json.loads(body)


def wrapped(body: Any, layers: tuple[str, ...]) -> Any:
    for layer in layers:
        body = WRAPPERS[layer](body)
    return body


@settings(max_examples=examples(600))
@given(
    st.lists(st.tuples(INSIDE, LAYERS, st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=10), st.booleans()
)
def test_what_is_wrapped_fails_by_the_name_of_its_message(
    messages: list[tuple[str, tuple[str, ...], int, int]], fifo: bool
) -> None:
    bodies: dict[str, list[Any]] = {"good": [GOOD], "bad": BAD, "ping": [*PINGS, S3_TEST]}
    records, failed, succeeded, stopped = [], [], [], set()
    for number, (kind, layers, which, group) in enumerate(messages):
        body = bodies[kind][which % len(bodies[kind])]
        records.append(
            {
                "messageId": f"m-{number}",
                "body": json.dumps(wrapped(body, layers)),
                "attributes": {"MessageGroupId": str(group)},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:eu-west-1:123456789012:papers{'.fifo' if fifo else ''}",
            }
        )
        if kind == "bad" or (fifo and group in stopped):
            failed.append(f"m-{number}")
            stopped.add(group)
        elif kind == "good":
            succeeded.append(f"m-{number}")
    output = Kept()
    response = SqsEvent(lambda environ: output).handle({"Records": records}, None, FUNCTION)
    assert [one["itemIdentifier"] for one in response["batchItemFailures"]] == failed
    assert [*output] == succeeded


@settings(max_examples=examples(600))
@given(BODIES, LAYERS)
def test_any_message_is_answered_or_fails_alone(body: Any, layers: tuple[str, ...]) -> None:
    output = Kept()
    record = {"messageId": "m", "body": json.dumps(wrapped(body, layers)), "eventSource": "aws:sqs"}
    good = {**record, "messageId": "good", "body": json.dumps(GOOD)}
    response = SqsEvent(lambda environ: output).handle({"Records": [record, good]}, None, FUNCTION)
    assert "good" in output
    assert ("m" in output) != ({"itemIdentifier": "m"} in response["batchItemFailures"])


@pytest.mark.parametrize("layers", [(), ("SNS",), ("EventBridge",)])
def test_a_request_by_http_cannot_name_an_object(layers: tuple[str, ...]) -> None:
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    stored = {"Records": [{**record, "s3": {"bucket": {"name": "papers"}, "object": {"key": "secret.txt"}}}]}
    body = json.dumps(wrapped(stored, layers))
    answer = dispatch({"httpMethod": "POST", "path": "/predict", "requestContext": {}, "body": body}, None, FUNCTION)
    assert answer["statusCode"] == 400
