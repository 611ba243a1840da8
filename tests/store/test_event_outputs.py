"""Predictions in S3 and SQS, and events of S3, against fake servers on loopback."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import spacy
from botocore.exceptions import IncompleteReadError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.cdk.source_settings import OBJECT_SUFFIXES
from spacy_lambda.core.aws_error_kinds import IN_FUNCTION, error_code
from spacy_lambda.core.env_names import FUNCTION_NAME_VARIABLE, OUTPUT_VARIABLE
from spacy_lambda.core.source.s3 import s3_error
from spacy_lambda.errors import NotStoredError, OutputError, RequestError, SpacyLambdaError, StoreError
from spacy_lambda.runtime.events.dispatch import dispatch, event_sources
from spacy_lambda.runtime.events.output import S3Output, open_output
from spacy_lambda.runtime.events.s3 import S3Event
from spacy_lambda.runtime.events.s3_objects import ObjectLimits
from spacy_lambda.runtime.events.sqs import SqsEvent
from spacy_lambda.runtime.predictor import Predictor
from tests.aws_variables import without_aws_variables

EVENTS = Path(__file__).parent.parent / "runtime" / "events" / "samples"
SOURCES = [*event_sources()]
IRON = {"text": "iron", "label": "METAL", "start": 0, "end": 4}
PAPER = "papers/a b+ü.txt"

KEYS = st.sampled_from(["Records", "eventSource", "detail-type", "source", "detail", "key", "text"]) | st.text()
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["aws:sqs", "aws:s3"]) | st.text()
JSON = st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)


@Language.component("breaks_on_lead_too")
def breaks_on_lead_too(doc: Doc) -> Doc:
    if "lead" in doc.text:
        raise ValueError("cannot read lead")
    return doc


@pytest.fixture(scope="module")
def nlp() -> Language:
    nlp = spacy.blank("xx")
    nlp.max_length = 1000
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "METAL", "pattern": "iron"}])  # type: ignore[attr-defined]
    nlp.add_pipe("breaks_on_lead_too")
    return nlp


@pytest.fixture
def function(nlp: Language) -> Predictor:
    return Predictor(nlp, {"SPACY_LAMBDA_OUTPUT": "s3://models/answers/"})


@pytest.fixture
def sqs(s3: Any) -> Iterator[Any]:
    client = boto3.client("sqs")
    yield client
    for url in client.list_queues().get("QueueUrls", []):
        client.delete_queue(QueueUrl=url)


def event_of(key: str, bucket: str = "models", version: str | None = None) -> Any:
    event = json.loads((EVENTS / "s3_txt.json").read_text(encoding="utf-8"))["event"]
    event["Records"][0]["s3"].update(bucket={"name": bucket}, object={"key": key, "versionId": version})
    return event


def put(s3: Any, key: str, body: bytes) -> None:
    s3.put_object(Bucket="models", Key=key, Body=body)


def body_of(s3: Any, key: str) -> bytes:
    data: bytes = s3.get_object(Bucket="models", Key=key)["Body"].read()
    return data


def keys(s3: Any) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket="models").get("Contents", [])]


def lines_of(s3: Any, key: str) -> list[Any]:
    data = body_of(s3, key)
    return [json.loads(line) for line in (gzip.decompress(data) if key.endswith(".gz") else data).splitlines()]


@given(JSON)
def test_no_source_fails_on_any_event(event: Any) -> None:
    assert {source.matches(event) for source in SOURCES} <= {True, False}


@pytest.mark.parametrize("value", ["s3://nobody/answers", "https://sqs.us-east-1.amazonaws.com/123456789012/nobody"])
def test_a_local_function_without_credentials_names_its_variables(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without_aws_variables(monkeypatch)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which may have found credentials
    monkeypatch.setenv(FUNCTION_NAME_VARIABLE, "function")
    with pytest.raises(OutputError, match="no AWS credentials found") as caught:
        open_output({OUTPUT_VARIABLE: value}).write("m-1", b"1")
    assert caught.value.remedy == IN_FUNCTION


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("s3://models/answers/deep/", "answers/deep/m-1.json"),
        ("s3://models/answers", "answers/m-1.json"),
        ("s3://models", "m-1.json"),
    ],
)
def test_an_object_is_written_over(s3: Any, value: str, key: str) -> None:
    for body in (b"1", b"2"):
        open_output({"SPACY_LAMBDA_OUTPUT": value}).write("m-1", body)
    assert keys(s3) == [key]
    assert body_of(s3, key) == b"2"


def test_no_two_names_are_one_object(s3: Any) -> None:
    names = ["a/b", "a_b", "a%2Fb", "../a", "ü 🧪"]
    for name in names:
        open_output({"SPACY_LAMBDA_OUTPUT": "s3://models/x"}).write(name, b"")
    assert len(keys(s3)) == len(names)
    assert all(key.startswith("x/") and key.count("/") == 1 for key in keys(s3))


def test_an_output_is_opened_once(s3: Any, s3_url: str) -> None:
    environ = {"SPACY_LAMBDA_OUTPUT": "s3://models/x", "AWS_ENDPOINT_URL": s3_url}
    assert open_output(environ) is open_output({**environ})
    assert open_output(environ) is not open_output({**environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})


def test_a_missing_bucket(s3: Any) -> None:
    with pytest.raises(OutputError, match="the bucket 'none' does not exist") as caught:
        open_output({"SPACY_LAMBDA_OUTPUT": "s3://none/x"}).write("m-1", b"")
    assert "aws s3 mb" in caught.value.remedy


def test_messages_in_a_queue(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="answers")["QueueUrl"]
    open_output({"SPACY_LAMBDA_OUTPUT": url}).write("m-1", '{"text": "ü"}'.encode())
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {"text": "ü"}


def test_a_fifo_queue_takes_a_name_once(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="answers.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for name in ("m-1", "m-1", "m-2"):
        open_output({"SPACY_LAMBDA_OUTPUT": url}).write(name, b"1")
    assert len(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 2


def test_a_missing_queue(sqs: Any, s3_url: str) -> None:
    with pytest.raises(OutputError) as caught:
        open_output({"SPACY_LAMBDA_OUTPUT": f"{s3_url}/123456789012/none"}).write("m-1", b"1")
    assert "sqs:SendMessage" in caught.value.remedy


def test_a_batch_without_an_output_is_returned(s3: Any, nlp: Language) -> None:
    event = json.loads((EVENTS / "sqs_ten_with_three_bad.json").read_text(encoding="utf-8"))["event"]
    response = SqsEvent().handle(event, None, Predictor(nlp, {"SPACY_LAMBDA_OUTPUT": "s3://none/x"}))
    assert len(response["batchItemFailures"]) == 10


@pytest.mark.parametrize("name", ["s3_txt", "eventbridge_s3", "sns_s3", "sqs_s3"])
def test_a_text(s3: Any, function: Predictor, name: str) -> None:
    case = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    put(s3, PAPER, "🧪 iron".encode("utf-8-sig"))
    case["expected"]["written"]["answers/models/" + PAPER.replace("txt", "json")]["answer"][0].update(start=2, end=6)
    assert dispatch(case["event"], None, function) == case["expected"]["answer"]
    written = {key: json.loads(body_of(s3, key)) for key in keys(s3) if key != PAPER}
    assert written == case["expected"]["written"]


def test_a_message_whose_object_fails_comes_back_alone(s3: Any, function: Predictor) -> None:
    """By the message's own id, not that of the notification in it."""
    case = json.loads((EVENTS / "sqs_s3.json").read_text(encoding="utf-8"))["event"]
    put(s3, "in/a.txt", b"iron")
    for record, key in zip(case["Records"], ["in/a.txt", "in/missing.txt", "in/a.pdf"], strict=True):
        record["body"] = json.dumps(event_of(key))
    case["Records"][0]["body"] = json.dumps({"Records": event_of("in/a.txt")["Records"] * 2})
    names = [record["messageId"] for record in case["Records"]]
    response = dispatch(case, None, function)
    assert response == {"batchItemFailures": [{"itemIdentifier": name} for name in names[1:]]}
    assert keys(s3) == ["answers/models/in/a.json", "in/a.txt"]


@pytest.mark.parametrize("bad", ["none.txt", "lead.txt"])
@pytest.mark.parametrize("source", ["S3", "SNS", "SQS"])
def test_one_of_several_objects_that_fails_holds_up_no_other(
    s3: Any, function: Predictor, source: str, bad: str
) -> None:
    put(s3, "lead.txt", b"lead")
    put(s3, "good.txt", b"iron")
    event = {"Records": [event_of(key)["Records"][0] for key in (bad, "good.txt")]}
    if source == "SQS":
        message = {"eventSource": "aws:sqs", "messageId": "m", "body": json.dumps(event)}
        assert dispatch({"Records": [message]}, None, function) == {"batchItemFailures": [{"itemIdentifier": "m"}]}
    else:
        record = {"EventSource": "aws:sns", "Sns": {"MessageId": "m", "Message": json.dumps(event)}}
        with pytest.raises(NotStoredError if bad == "none.txt" else ValueError):
            dispatch(event if source == "S3" else {"Records": [record]}, None, function)
    assert json.loads(body_of(s3, "answers/models/good.json"))["answer"] == [IRON]


@pytest.mark.parametrize("suffix", OBJECT_SUFFIXES)
def test_every_ending_of_a_source_can_be_processed(s3: Any, function: Predictor, suffix: str) -> None:
    put(s3, f"in/a{suffix}", gzip.compress(b"") if suffix.endswith(".gz") else b"")
    assert len(dispatch(event_of(f"in/a{suffix}"), None, function)["written"]) == 1


def test_one_of_several_messages_of_a_topic_that_fails(s3: Any, function: Predictor) -> None:
    event = json.loads((EVENTS / "sns.json").read_text(encoding="utf-8"))["event"]
    (record,) = event["Records"]
    event["Records"] = [{**record, "Sns": {**record["Sns"], "Message": "iron"}}, record]
    with pytest.raises(RequestError, match="the message body is not valid JSON"):
        dispatch(event, None, function)
    assert keys(s3) == [f"answers/{record['Sns']['MessageId']}.json"]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_lines(s3: Any, function: Predictor, suffix: str) -> None:
    lines = [
        b'{"id": 1, "text": "iron"}',
        b"",
        b"iron",
        b'{"id": [2], "txet": "iron"}\r',
        b'{"texts": ["iron", ""], "ents": "old"}',
        b'{"text": "iron", "include": ["ents"], "lang": "\\ud800"}',
        b'"iron"',
        b'{"id": 3, "text": "lead"}',
        b'{"id": 4, "text": ""}',
    ]
    body = b"\n".join(lines)
    put(s3, "in/a" + suffix, gzip.compress(body) if suffix.endswith("gz") else body)
    written = f"s3://models/answers/models/in/a{suffix}"
    assert S3Event().handle(event_of("in/a" + suffix), None, function) == {"written": [written]}
    no_json = {
        "errorMessage": "the line is not valid JSON",
        "remedy": 'send {"text": "..."}, or "texts" or "inputs"',
    }
    no_text = {"errorMessage": 'the key "text" is missing', "remedy": 'send {"text": "..."}, or "texts" or "inputs"'}
    no_object = {**no_text, "errorMessage": "the event is a string, not an object"}
    assert lines_of(s3, f"answers/models/in/a{suffix}") == [
        {"id": 1, "ents": [IRON]},
        {"error": {"line": 3, "errorType": "RequestError", **no_json}},
        {"id": [2], "txet": "iron", "error": {"line": 4, "errorType": "RequestError", **no_text}},
        {"ents": [[IRON], []]},
        {"lang": "\ud800", "answer": {"ents": [IRON]}},
        {"error": {"line": 7, "errorType": "RequestError", **no_object}},
        {"id": 3, "error": {"line": 8, "errorType": "ValueError", "errorMessage": "cannot read lead"}},
        {"id": 4, "ents": []},
    ]


@pytest.mark.parametrize("suffix", [".txt", ".jsonl"])
def test_an_empty_object(s3: Any, function: Predictor, suffix: str) -> None:
    put(s3, "empty" + suffix, b"")
    S3Event().handle(event_of("empty" + suffix), None, function)
    written = [body_of(s3, key) for key in keys(s3) if key.startswith("answers/")]
    assert written == [b"" if suffix == ".jsonl" else b'{"bucket": "models", "key": "empty.txt", "answer": []}']


@pytest.mark.slow
def test_many_lines_are_read_and_written_in_parts(s3: Any, function: Predictor) -> None:
    count, padding = 8_000, "x" * 1_350
    put(s3, "a.jsonl", b"".join(b'{"text": "", "id": %d, "p": "%s"}\n' % (n, padding.encode()) for n in range(count)))
    S3Event(limits=ObjectLimits(chunk=100_000)).handle(event_of("a.jsonl"), None, function)
    assert [line["id"] for line in lines_of(s3, "answers/models/a.jsonl")] == [*range(count)]
    assert s3.head_object(Bucket="models", Key="answers/models/a.jsonl")["ETag"].endswith('-2"')


@pytest.mark.parametrize("size", ["object", "line"])
def test_objects_that_are_too_large(s3: Any, function: Predictor, size: str) -> None:
    source = S3Event(limits=ObjectLimits(line=1 << 20, content=5_000_000))
    long = {"object": 5_000_000, "line": 2_000_000}[size]
    put(s3, "a.jsonl.gz", gzip.compress(b'{"text": "iron"}\n' + b" " * long + b'1\n{"text": "iron"}'))
    if size == "object":
        with pytest.raises(RequestError, match="more than 4 MiB uncompressed") as caught:
            source.handle(event_of("a.jsonl.gz"), None, function)
        assert "split" in caught.value.remedy
        assert keys(s3) == ["a.jsonl.gz"]
    else:
        source.handle(event_of("a.jsonl.gz"), None, function)
        first, second, third = lines_of(s3, "answers/models/a.jsonl.gz")
        assert first == third == {"ents": [IRON]}
        assert second["error"]["errorMessage"] == "the line has more than 1 MiB"


@pytest.mark.parametrize(
    ("key", "body", "error", "message"),
    [
        ("a.pdf", b"", RequestError, "neither .txt nor .jsonl"),
        ("none.txt", None, NotStoredError, "s3://models/none.txt does not exist"),
        ("none.jsonl", None, NotStoredError, "s3://models/none.jsonl does not exist"),
        ("a.txt", b"iron \xff", RequestError, "is not UTF-8 at byte 5"),
        ("a.txt", b"x" * 1001, RequestError, '"text" has 1,001 characters'),
        ("a.txt", b"x" * 10_000, RequestError, "has more than 1,000 characters"),
        ("a.jsonl.gz", b'{"text": ""}', RequestError, "is not a whole gzip file"),
        ("a.jsonl.gz", gzip.compress(b"{}" * 99, mtime=0)[:-9], RequestError, "is not a whole gzip file"),
        ("answers/a.txt", b"iron", OutputError, "would trigger another event"),
    ],
)
def test_an_object_that_is_not_answered(
    s3: Any, function: Predictor, key: str, body: bytes | None, error: type[SpacyLambdaError], message: str
) -> None:
    if body is not None:
        put(s3, key, body)
    with pytest.raises(error) as caught:
        S3Event().handle(event_of(key), None, function)
    assert message in caught.value.message
    assert keys(s3) == ([key] if body is not None else [])


@pytest.mark.parametrize(
    ("value", "key", "refused"),
    [
        ("s3://models", "a.txt", True),
        ("s3://models/", "a.txt", True),
        ("s3://models/a", "a/b.txt", True),
        ("s3://models/a", "ab.txt", False),
        ("s3://models/a/b", "a/c.txt", False),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/answers", "a.txt", True),
    ],
)
def test_objects_of_the_output_are_not_requests(s3: Any, nlp: Language, value: str, key: str, refused: bool) -> None:
    function = Predictor(nlp, {"SPACY_LAMBDA_OUTPUT": value})
    # An object that is not there: what is refused is not even read.
    with pytest.raises(OutputError if refused else NotStoredError):
        S3Event().handle(event_of(key), None, function)


def test_the_other_objects_of_an_event_are_answered(s3: Any, function: Predictor) -> None:
    put(s3, "a.txt", b"iron")
    event = event_of("none.txt")
    event["Records"] += event_of("a.txt")["Records"]
    with pytest.raises(NotStoredError):
        S3Event().handle(event, None, function)
    assert keys(s3) == ["a.txt", "answers/models/a.json"]


def test_a_removed_object_is_not_a_request(function: Predictor) -> None:
    event = event_of("a.txt")
    event["Records"][0]["eventName"] = "ObjectRemoved:Delete"
    with pytest.raises(RequestError) as caught:
        S3Event().handle(event, None, function)
    assert "s3:ObjectCreated:*" in caught.value.remedy


def test_the_version_that_was_put_is_read(s3: Any, function: Predictor) -> None:
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    versions = [s3.put_object(Bucket="versions", Key="a.txt", Body=body)["VersionId"] for body in (b"iron", b"tin")]
    S3Event().handle(event_of("a.txt", "versions", versions[0]), None, function)
    assert json.loads(body_of(s3, "answers/versions/a.json"))["answer"] == [IRON]


class Breaking:
    """A client of S3 whose connection breaks after some objects."""

    def __init__(self, client: Any, *, after: int) -> None:
        self._client, self._left = client, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_object(self, **options: Any) -> Any:
        if not self._left:
            raise IncompleteReadError(actual_bytes=1, expected_bytes=2)
        self._left -= 1
        return self._client.get_object(**options)


def test_a_connection_that_breaks_leaves_nothing(s3: Any, function: Predictor) -> None:
    put(s3, "a.jsonl", b'{"text": "iron"}\n' * 1000)
    output = S3Output("models", "answers", client=Breaking(s3, after=5))
    source = S3Event(lambda environ: output, limits=ObjectLimits(chunk=1000))
    with pytest.raises(SpacyLambdaError, match="1 read, but total bytes expected is 2"):
        source.handle(event_of("a.jsonl"), None, function)
    assert keys(s3) == ["a.jsonl"]


def test_a_read_that_times_out_has_no_code() -> None:
    """botocore gives such an error a response that is None."""
    error = ReadTimeoutError(endpoint_url="https://s3.amazonaws.com")
    assert error_code(error) == ""
    assert isinstance(s3_error(error, "models", "a.txt"), StoreError)
