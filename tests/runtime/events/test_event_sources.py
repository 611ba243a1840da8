"""Every asynchronous event, as JSON files: the event that AWS sends, the whole response, and what is written.

S3's need an S3: ``tests/store/test_event_outputs.py``; the responses to HTTP events are in ``test_http.py``.
"""

from __future__ import annotations

import base64
import copy
import importlib
import inspect
import json
import logging
import pkgutil
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.core.wire_errors import to_function_error
from spacy_lambda.errors import OutputError, RequestError
from spacy_lambda.runtime import events
from spacy_lambda.runtime.capacity import Capacity
from spacy_lambda.runtime.events.dispatch import dispatch, event_sources
from spacy_lambda.runtime.events.kinesis import KinesisEvent
from spacy_lambda.runtime.events.output import open_output
from spacy_lambda.runtime.events.protocol import EventSource
from spacy_lambda.runtime.events.s3 import S3Event
from spacy_lambda.runtime.events.sqs import SqsEvent
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.telemetry.observation import Observation
from spacy_lambda.runtime.telemetry.recorder import Recorder

EVENTS = Path(__file__).parent / "samples"
KINDS = {
    "bedrock_agent": "Bedrock agent",
    "eventbridge": "EventBridge",
    "http_alb": "Application Load Balancer",
    "http_function_url": "Function URL or API Gateway, payload 2.0",
    "http_http_api": "Function URL or API Gateway, payload 2.0",
    "http_rest_api": "API Gateway, payload 1.0",
    "kinesis": "Kinesis",
    "ping": "ping",
    "s3": "S3",
    "shard": "shard",
    "sns": "SNS",
    "sqs": "SQS",
    "step_functions": "Step Functions",
}
"""Names of the event sources, by the beginning of their samples' names."""

FILES = sorted(EVENTS.glob("*.json"))
ANSWERED = [path for path in FILES if not path.stem.startswith("http_") and "s3" not in path.stem]


class Written(dict[str, Any]):
    """An output: what was written, by name.

    :param refuse: Names that cannot be written.
    :param die_at: The write, counted from one, at which the function is killed.
    """

    def __init__(self, *, refuse: tuple[str, ...] = (), die_at: int = 0) -> None:
        super().__init__()
        self.refuse, self.die_at, self.writes = refuse, die_at, 0

    def write(self, name: str, body: bytes) -> None:
        self.writes += 1
        if self.writes == self.die_at:
            raise KeyboardInterrupt
        if name in self.refuse:
            raise OutputError("the bucket is full", remedy="empty the bucket")
        self[name] = json.loads(body)


@Language.component("breaks_on_lead")
def breaks_on_lead(doc: Doc) -> Doc:
    if "lead" in doc.text:
        raise ValueError(f"cannot read {doc.text}")
    return doc


@pytest.fixture(scope="module")
def function() -> Predictor:
    nlp = spacy.blank("xx")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "METAL", "pattern": "iron"}])  # type: ignore[attr-defined]
    nlp.add_pipe("breaks_on_lead")
    return Predictor(nlp, {"SPACY_LAMBDA_OUTPUT": "s3://answers"})


def sources(written: Written) -> list[EventSource]:
    def opened(environ: Any) -> Written:
        return written

    kinds: list[Any] = [type(source) for source in event_sources()]
    return [kind(opened) if inspect.signature(kind).parameters else kind() for kind in kinds]


def case(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def handle(event: Any, function: Predictor, written: Written) -> Any:
    """Return the response of the only source that recognizes the event."""
    (source,) = (source for source in sources(written) if source.matches(event))
    return json.loads(json.dumps(source.handle(event, None, function)))


def messages(bodies: list[Any]) -> dict[str, Any]:
    """A batch of SQS messages named 1, 2, 3 ..."""
    record = case("sqs_one")["event"]["Records"][0]
    return {
        "Records": [{**record, "messageId": str(n), "body": json.dumps(body)} for n, body in enumerate(bodies, start=1)]
    }


def failures(*names: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": name} for name in names]}


def test_every_source_is_dispatched() -> None:
    names = [module.name for module in pkgutil.walk_packages(events.__path__, f"{events.__name__}.")]
    defined = {
        one
        for name in names
        for one in vars(importlib.import_module(name)).values()
        if inspect.isclass(one) and one is not EventSource and {"matches", "handle"} <= {*dir(one)}
    }
    assert defined == {type(source) for source in event_sources()}


def test_every_source_has_a_sample() -> None:
    sampled = {name for prefix, name in KINDS.items() if any(path.stem.startswith(prefix) for path in FILES)}
    assert sampled == {source.name for source in event_sources()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_event_is_of_one_kind(path: Path) -> None:
    event = case(path.stem)["event"]
    kinds = [name for prefix, name in KINDS.items() if path.stem.startswith(prefix)]
    assert len(kinds) == 1
    assert [source.name for source in sources(Written()) if source.matches(event)] == kinds


@pytest.mark.parametrize("path", ANSWERED, ids=lambda path: path.stem)
def test_events(path: Path, function: Predictor) -> None:
    written, event = Written(), case(path.stem)["event"]
    before = copy.deepcopy(event)
    answer = handle(event, function, written)
    assert {"answer": answer, "written": written} == case(path.stem)["expected"]
    assert event == before


def test_a_batch_goes_through_the_pipeline_at_once(function: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    piped: list[list[str]] = []
    pipe = function.nlp.pipe

    def counting(docs: Any) -> Iterator[Doc]:
        docs = list(docs)
        piped.append([doc.text for doc in docs])
        yield from pipe(docs)

    monkeypatch.setattr(function.nlp, "pipe", counting)
    handle(messages([{"text": "a"}, {"texts": ["b", "c"]}, {}, {"text": "d"}]), function, Written())
    assert piped == [["a", "b", "c", "d"]]


def test_a_message_that_breaks_the_pipeline_comes_back_alone(function: Predictor) -> None:
    written = Written()
    event = messages([{"text": "iron"}, {"text": "lead"}, {"texts": ["tin", "lead"]}, {"text": "iron"}])
    assert handle(event, function, written) == failures("2", "3")
    assert [*written] == ["1", "4"]


def test_a_message_that_cannot_be_written_comes_back_alone(function: Predictor) -> None:
    written = Written(refuse=("2",))
    assert handle(messages([{"text": "iron"}] * 4), function, written) == failures("2")
    assert [*written] == ["1", "3", "4"]


@pytest.mark.parametrize("fault", ["pipeline", "output"])
def test_a_fifo_group_stops_where_it_fails(function: Predictor, fault: str) -> None:
    event = case("sqs_fifo")["event"]
    names = [record["messageId"] for record in event["Records"]]
    event["Records"][2]["body"] = json.dumps({"text": "lead" if fault == "pipeline" else "iron"})
    written = Written(refuse=(names[2],) if fault == "output" else ())
    assert handle(event, function, written) == failures(names[2], names[3], names[5])
    assert [*written] == [names[0], names[1], names[4]]


def test_a_fifo_message_before_a_bad_one_is_not_held_back_by_it(function: Predictor) -> None:
    event = case("sqs_fifo")["event"]
    event["Records"] = event["Records"][:1] + event["Records"][2:4]
    first, *rest = [record["messageId"] for record in event["Records"]]
    written = Written(refuse=(first,))
    assert handle(event, function, written) == failures(first, *rest)
    assert written == {}
    assert handle(event, function, written := Written()) == failures(*rest)
    assert [*written] == [first]


def test_a_batch_that_is_killed_is_whole_after_its_redelivery(function: Predictor) -> None:
    event, written = messages([{"text": "iron"}] * 10), Written(die_at=5)
    with pytest.raises(KeyboardInterrupt):
        handle(event, function, written)
    assert len(written) == 4
    assert handle(event, function, written) == failures()
    assert (len(written), written.writes) == (10, 15)


def test_a_shard_begins_again_where_nothing_could_be_written(function: Predictor) -> None:
    event = case("kinesis")["event"]
    record = event["Records"][2]
    written = Written(refuse=(record["eventID"].replace(":", "-"),))
    assert handle(event, function, written) == failures(record["kinesis"]["sequenceNumber"])
    assert len(written) == 2


def test_a_record_that_breaks_the_pipeline_does_not_hold_up_its_shard(function: Predictor) -> None:
    event, written = case("kinesis")["event"], Written()
    event["Records"][0]["kinesis"]["data"] = "eyJ0ZXh0IjogImxlYWQifQ=="
    assert handle(event, function, written) == failures()
    first = next(iter(written.values()))
    assert first["error"] == {"errorType": "ValueError", "errorMessage": "cannot read lead"}


def test_an_event_of_a_bus_is_written_only_where_there_is_an_output(function: Predictor) -> None:
    written = Written()
    answer = handle(case("eventbridge")["event"], Predictor(function.nlp, {}), written)
    assert (answer, written) == (case("eventbridge")["expected"]["answer"], {})


@pytest.mark.parametrize("body", ["secret", '{"secret": 1}', '{"text": "lead secret"}', '{"text": "secret\\ud800"}'])
def test_no_text_is_logged(function: Predictor, caplog: pytest.LogCaptureFixture, body: str) -> None:
    event = messages([{}])
    event["Records"][0]["body"] = body
    with caplog.at_level(logging.DEBUG):
        assert handle(event, function, Written()) == failures("1")
    assert "message 1: " in caplog.text
    assert "secret" not in caplog.text


HOSTILE: list[Any] = [
    {"secret John": 1},
    {"text": "a", "secret": {"secret": "secret"}},
    {"text": "a", "long_text": "secret"},
    {"text": "a", "long_text": ["secret"]},
    {"text": "a", "include": ["secret"]},
    {"text": "a", "include": "secret"},
    {"text": "a", "include": [{"secret": 1}]},
    {"text": ["secret"]},
    {"texts": ["a", {"secret": 1}, 3]},
    {"texts": "secret"},
    {"inputs": {"secret": 1}},
    {"text": "secret\ud800"},
    "secret",
    ["secret"],
    {"Type": "Notification", "TopicArn": "a", "Message": "secret"},
    {"source": "secret", "detail-type": "secret", "detail": {"secret": 1}},
    {"Records": [{"eventSource": "aws:s3", "eventName": "secret"}]},
]


def every_event(body: Any) -> dict[str, Any]:
    """The body in the events of all sources, and other parts of those that a sender chooses."""
    encoded = json.dumps(body)
    (record,) = messages([body])["Records"]
    http = {"rawPath": "/predict", "requestContext": {"http": {"method": "POST"}, "stage": "$default"}, "body": encoded}
    attribute = {"stringValue": "secret", "dataType": "String"}
    beside = body if isinstance(body, dict) else {"secret": body}
    return {
        "direct": body,
        "sqs": {"Records": [{**record, "messageAttributes": {"secret": attribute}}]},
        "sqs, not JSON": {"Records": [{**record, "body": "{secret" + encoded}]},
        "sns": {"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "1", "Message": encoded}}]},
        "s3": {"Records": [{"eventSource": "aws:s3", "eventName": "secret", "s3": {"secret": body}}]},
        "kinesis": {
            "Records": [
                {
                    "eventSource": "aws:kinesis",
                    "eventID": "1",
                    "kinesis": {"sequenceNumber": "1", "data": base64.b64encode(encoded.encode()).decode()},
                }
            ]
        },
        "bus": {"id": "1", "source": "secret", "detail-type": "secret", "detail": body},
        "task": {"text": "a", "include": ["secret"], **beside, "key": "secret"},
        "shard": {"shard": {"name": "secret", "secret": body}},
        "shard, options": {
            "shard": {
                "name": "secret",
                "pipeline": "secret",
                **dict.fromkeys(("input", "output", "errors", "record"), "s3://a/b"),
                "options": {"include": ["secret"], "labels": None, "long_text": "secret"},
            }
        },
        "agent": {"actionGroup": "secret", "apiPath": "/secret", "httpMethod": "SECRET", "parameters": [body]},
        "agent, function": {
            "actionGroup": "secret",
            "function": "secret",
            "parameters": [{"name": name, "value": "secret"} for name in beside],
        },
        "url": http,
        "url, path": {**http, "rawPath": "/secret", "rawQueryString": "secret=1", "headers": {"secret": "secret"}},
        "url, type": {**http, "headers": {"content-type": "secret"}},
        "url, coding": {**http, "headers": {"content-encoding": "secret"}},
        "url, not JSON": {**http, "body": "{secret"},
        "rest": {"httpMethod": "POST", "path": "/predict", "requestContext": {}, "body": encoded},
        "balancer": {"httpMethod": "SECRET", "path": "/predict", "requestContext": {"elb": {}}, "body": encoded},
        "unknown": {"warmer": "secret", "key": body},
    }


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: json.dumps(body)[:40])
@pytest.mark.parametrize("metrics", ["", "ner"])
def test_nothing_of_an_event_is_logged(
    function: Predictor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, body: Any, metrics: str
) -> None:
    monkeypatch.setattr("spacy_lambda.runtime.events.output._opened", lambda value, endpoints: Written())
    monkeypatch.setattr("spacy_lambda.runtime.events.shard._client", lambda endpoints: None)
    environ = {**function.environ, "SPACY_LAMBDA_METRICS": metrics}
    lines: list[str] = []
    recorder = Recorder(environ, model="a", write=lines.append)
    caplog.set_level(logging.DEBUG)
    for event in every_event(body).values():
        try:
            with recorder.invocation("1") as observation:
                dispatch(event, None, Predictor(function.nlp, environ, "0a" * 32, observation))
        except RequestError as exc:
            lines.append(to_function_error(exc))
        except Exception as exc:  # of other types, awslambdaric logs the stack trace
            lines.extend(traceback.format_exception(exc, limit=0))
    assert lines
    assert "secret" not in (caplog.text + "".join(lines)).lower()


def test_a_text_that_a_tokenizer_does_not_take_is_not_logged() -> None:
    def tokenizer(text: str) -> Doc:
        if len(text) > 5_000:
            raise ValueError(f"cannot read {text}")
        return Doc(nlp.vocab, words=[text])

    nlp = spacy.blank("xx")
    nlp.tokenizer = tokenizer
    with pytest.raises(RequestError, match="cannot read a secret") as caught:
        dispatch({"text": "a secret " * 999}, None, Predictor(nlp, {}))
    assert "secret" not in to_function_error(caught.value)


def test_a_warning_has_the_remedy(function: Predictor, caplog: pytest.LogCaptureFixture) -> None:
    handle(messages([{"text": "iron"}]), function, Written(refuse=("1",)))
    assert caplog.messages == ["message 1: OutputError; empty the bucket"]


@pytest.mark.parametrize(
    "name", ["ping_warmer", "ping_test_event", "eventbridge_scheduled_rule", "eventbridge_scheduler", "sns_test_event"]
)
def test_a_ping_needs_neither_an_output_nor_the_pipeline(name: str) -> None:
    pipeline: Any = None
    function = Predictor(pipeline, {}, capacity=Capacity(spacy.blank("xx"), {}))
    event = case(name)["event"]
    assert dispatch(event, None, function) == case(name)["expected"]["answer"]
    if "Records" not in event:
        assert dispatch(messages([event, event]), None, function) == failures()
    assert function.observation.counts() == Observation().counts()


@pytest.mark.parametrize(
    "event",
    [
        {"warmer": True, "text": "iron"},
        {"warmer": 1},
        {"Event": "s3:Other"},
        {"detail-type": "Other", "source": "a", "detail": {}},
    ],
)
def test_an_event_that_only_resembles_a_ping(function: Predictor, event: Any) -> None:
    with pytest.raises(RequestError):
        dispatch(event, None, function)


@pytest.mark.parametrize("value", ["", "answers", "s3://", "ftp://a/b", "https://", "https://sqs.example.com"])
def test_an_output_that_is_none(value: str) -> None:
    with pytest.raises(OutputError) as caught:
        open_output({"SPACY_LAMBDA_OUTPUT": value})
    assert "s3://bucket/prefix" in caught.value.remedy


@pytest.mark.parametrize("name", ["sqs_one", "kinesis", "s3_txt"])
def test_nothing_is_done_without_an_output(function: Predictor, name: str) -> None:
    event = case(name)["event"]
    with pytest.raises(OutputError, match="SPACY_LAMBDA_OUTPUT is not set"):
        next(source for source in (SqsEvent(), KinesisEvent(), S3Event()) if source.matches(event)).handle(
            event, None, Predictor(function.nlp, {})
        )


@pytest.mark.parametrize(
    ("name", "spoil", "key"),
    [
        ("sqs_one", lambda event: event["Records"][0].pop("messageId"), "messageId"),
        ("sqs_one", lambda event: event["Records"].append(None), "messageId"),
        ("kinesis", lambda event: event["Records"][1].pop("kinesis"), "sequenceNumber"),
        ("eventbridge", lambda event: event.pop("id"), "id"),
        ("s3_txt", lambda event: event["Records"][0]["s3"].pop("object"), "key"),
    ],
)
def test_an_event_that_aws_does_not_send(function: Predictor, name: str, spoil: Callable[[Any], Any], key: str) -> None:
    event = case(name)["event"]
    spoil(event)
    with pytest.raises(RequestError) as caught:
        handle(event, function, Written())
    assert caught.value.key == key
