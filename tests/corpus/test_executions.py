"""Executions of Step Functions, by a stand-in for its client: what moto does not have."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ResponseStreamingError
from botocore.stub import Stubber

from spacy_lambda.core.annotation import AnnotateOptions, Document, document_lines, read_documents
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.output_location import S3Prefix
from spacy_lambda.core.wire_errors import to_function_error
from spacy_lambda.corpus.engines.attempts import Attempts, Child
from spacy_lambda.corpus.engines.aws_lambda import LambdaEngine
from spacy_lambda.corpus.engines.deployed import DeployedFunction
from spacy_lambda.corpus.engines.executions import Execution, Executions
from spacy_lambda.corpus.engines.shard_objects import ShardObjects, read_object, sendable
from spacy_lambda.corpus.summary import ShardStates
from spacy_lambda.errors import CorpusError, RequestError

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:papers-ner-annotate"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class StepFunctions:
    """A client, with one execution and its Map.

    :param status: Of the execution.
    :param redrivable: Step Functions can redrive it.
    """

    def __init__(self, status: str, *, redrivable: bool = False) -> None:
        self.status, self.redrivable = status, redrivable
        self.calls: list[str] = []
        self.denied = False
        self.exceptions: Any = boto3.client("stepfunctions", region_name="eu-central-1").exceptions

    def list_executions(
        self, *, statusFilter: str = "", mapRunArn: str = "", redriveFilter: str = "", nextToken: str = "", **_: Any
    ) -> Any:
        if self.denied and mapRunArn:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ListExecutions")
        if mapRunArn and statusFilter == "FAILED":
            page = range(3, 5) if nextToken else range(3)
            children = [{"executionArn": f"child-{n}"} for n in page]
            return {"executions": children, **({} if nextToken else {"nextToken": "more"})}
        if mapRunArn:
            return {"executions": [{"executionArn": "child-9"}] if redriveFilter == "REDRIVEN" else []}
        one = {"executionArn": "arn:one", "name": "run-20260101", "status": self.status}
        other = {"executionArn": "arn:other", "name": "other-20270101", "status": "RUNNING"}
        return {"executions": [found for found in (one, other) if statusFilter in ("", found["status"])]}

    def describe_execution(self, *, executionArn: str) -> Any:
        found = {"input": '{"items": "annotate/ner/run/items/one.json"}', "status": self.status}
        failed = {"error": "States.ExceedToleratedFailureThreshold", "cause": "5 of 20 failed"}
        redrive = {"redriveStatus": "REDRIVABLE" if self.redrivable else "NOT_REDRIVABLE"}
        return {**found, **redrive, **(failed if self.status == "FAILED" else {})}

    def get_execution_history(self, *, executionArn: str, **_: Any) -> Any:
        error = RequestError("the time does not suffice", remedy="make smaller shards")
        cause = json.dumps({"errorType": "RequestError", "errorMessage": to_function_error(error)})
        failed = {"error": "RequestError", "cause": cause}
        throttled = {"error": "Lambda.TooManyRequestsException"}
        name = json.dumps({"name": executionArn.replace("child", "shard")})
        events = [
            (0, "ExecutionStarted", {"executionStartedEventDetails": {"input": name}}),
            (1, "TaskStarted", {}),
            (2, "TaskFailed", {"taskFailedEventDetails": throttled}),
            (60, "TaskStarted", {}),
            (80, "TaskFailed", {"taskFailedEventDetails": failed}),
            (90, "TaskStarted", {}),
            (100, "TaskTimedOut", {"taskTimedOutEventDetails": {"error": "States.Timeout"}}),
        ]
        end = [
            (101, "ExecutionFailed", {"executionFailedEventDetails": failed}),
            *([(200, "ExecutionRedriven", {}), (201, "TaskStarted", {})] if executionArn == "child-9" else []),
        ]
        return {
            "events": [
                {"timestamp": BEGAN + timedelta(seconds=seconds), "type": kind, **details}
                for seconds, kind, details in [*events, *end]
            ]
        }

    def list_map_runs(self, *, executionArn: str) -> Any:
        return {"mapRuns": [{"mapRunArn": f"{executionArn}/map"}]}

    def describe_map_run(self, *, mapRunArn: str) -> Any:
        counts = {"pending": 4, "running": 3, "succeeded": 2, "failed": 1, "timedOut": 1, "aborted": 1}
        return {"itemCounts": counts}

    def redrive_execution(self, *, executionArn: str) -> Any:
        self.calls.append(f"redrive {executionArn}")

    def stop_execution(self, *, executionArn: str, cause: str) -> Any:
        self.calls.append(f"stop {executionArn}")


def executions(client: StepFunctions) -> Executions:
    return Executions(client, MACHINE, "run")


def test_the_newest_execution_of_a_run() -> None:
    found = executions(StepFunctions("FAILED", redrivable=True)).newest()
    assert found is not None
    assert (found.arn, found.ended, found.redrivable) == ("arn:one", True, True)
    assert found.error == "States.ExceedToleratedFailureThreshold: 5 of 20 failed"
    assert Executions(StepFunctions("FAILED"), MACHINE, "absent").newest() is None


def test_the_states_of_shards() -> None:
    found = executions(StepFunctions("RUNNING")).states(Execution("arn:one", "items", "RUNNING"))
    assert found == ShardStates(waiting=4, running=3, done=2, failed=3, execution="arn:one")


def test_why_shards_failed() -> None:
    failures = executions(StepFunctions("FAILED")).failures(Execution("arn:one", "items", "FAILED"))
    assert [one.shard for one in failures] == [f"shard-{n}" for n in range(5)]
    assert failures[0] == Child(
        "child-0",
        "shard-0",
        Attempts(invoked=2, throttled=1, seconds=30),
        error="RequestError",
        message="the time does not suffice",
        remedy="make smaller shards",
    )


def test_what_earlier_executions_have_failed() -> None:
    earlier = executions(StepFunctions("RUNNING")).earlier(lambda items: True)
    assert [one.shard for one in earlier] == [f"shard-{n}" for n in (0, 1, 2, 3, 4, 9)]
    assert earlier[-1] == Child("child-9", "shard-9", Attempts(invoked=2, throttled=1, seconds=30))
    assert executions(StepFunctions("RUNNING")).earlier(lambda items: False) == []


def test_reasons_that_may_not_be_listed() -> None:
    client = StepFunctions("FAILED")
    client.denied = True
    assert executions(client).failures(Execution("arn:one", "items", "FAILED")) == []
    assert executions(client).earlier(lambda items: True) == []


@pytest.fixture
def engine() -> tuple[LambdaEngine, StepFunctions]:
    client = StepFunctions("FAILED", redrivable=True)
    session = SimpleNamespace(client=lambda service, **_: client if service == "stepfunctions" else None)
    function = DeployedFunction(
        name="papers-ner",
        sha256=Digest("5f" * 32),
        memory_mb=2048,
        timeout_s=30,
        architecture="x86_64",
        concurrency=100,
        request_characters=100_000,
        place=S3Prefix("corpora", "annotate/ner"),
        state_machine=MACHINE,
        session=session,
    )
    return LambdaEngine(function, AnnotateOptions(), run="run"), client


def test_a_failed_execution_is_redriven_if_it_has_the_missing_shards(
    engine: tuple[LambdaEngine, StepFunctions], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, client = engine
    monkeypatch.setattr(one._objects, "read_items", lambda key: {"a" * 64, "b" * 64})
    monkeypatch.setattr(one._objects, "write_items", lambda name, items: "new")
    assert one._begin({"a" * 64: "shard-0"}).arn == "arn:one"
    assert client.calls == ["redrive arn:one"]
    client.start_execution = lambda **_: {"executionArn": "arn:new"}  # type: ignore[attr-defined]
    assert one._begin({"c" * 64: "shard-9"}).arn == "arn:new"


def test_the_error_has_the_first_reason_and_the_cost(engine: tuple[LambdaEngine, StepFunctions]) -> None:
    one, _ = engine
    error = one._failed(Execution("arn:one", "items", "FAILED", error="States.ExceedToleratedFailureThreshold: "), 7)
    assert isinstance(error, CorpusError)
    assert error.message.startswith("arn:one (FAILED) did not annotate 7 shards; States.Exceed")
    assert "5 failed at about $0.01, such as shard-0: RequestError: the time does not suffice" in error.message
    assert error.remedy == "make smaller shards; the same command resumes: it redrives those shards"


def test_an_execution_that_step_functions_does_not_redrive(
    engine: tuple[LambdaEngine, StepFunctions], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, client = engine
    refused = client.exceptions.ExecutionNotRedrivable({"Error": {"Code": "ExecutionNotRedrivable"}}, "Redrive")

    def refuse(**_: Any) -> Any:
        raise refused

    client.redrive_execution = refuse  # type: ignore[method-assign]
    client.exceptions = SimpleNamespace(ExecutionNotRedrivable=type(refused))
    client.start_execution = lambda **_: {"executionArn": "arn:new"}  # type: ignore[attr-defined]
    monkeypatch.setattr(one._objects, "read_items", lambda key: {"a" * 64})
    monkeypatch.setattr(one._objects, "write_items", lambda name, items: "new")
    assert one._begin({"a" * 64: "shard-0"}).arn == "arn:new"


def test_credentials_that_expire_leave_the_execution_running(
    engine: tuple[LambdaEngine, StepFunctions], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, client = engine

    def expired(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "expired"}}, "DescribeExecution")

    monkeypatch.setattr(client, "describe_execution", expired)
    pool: Any = None
    with pytest.raises(CorpusError, match="describing arn:one: the credentials have expired") as info:
        list(one._follow(pool, Execution("arn:one", "items", "RUNNING"), {"a" * 64: "shard-0"}, lambda counts: None))
    assert info.value.remedy.endswith("; arn:one goes on, and the same command follows it")
    assert client.calls == []


def test_an_execution_that_is_running_is_followed(engine: tuple[LambdaEngine, StepFunctions]) -> None:
    one, client = engine
    client.status = "RUNNING"
    assert one._begin({"c" * 64: "shard-9"}) == Execution("arn:one", "annotate/ner/run/items/one.json", "RUNNING", True)
    assert client.calls == []


def test_shards_of_more_than_one_page() -> None:
    keys = {"aa", "bb", "cc"}
    client = boto3.client("s3", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="y")
    first, *others = ({"Key": f"annotate/ner/run/records/{name}.json"} for name in sorted(keys))
    asked = {"Bucket": "corpora", "Prefix": "annotate/ner/run/records/"}
    with Stubber(client) as stub:
        page = {"IsTruncated": True, "NextContinuationToken": "more", "Contents": [first]}
        stub.add_response("list_objects_v2", page, asked)
        stub.add_response(
            "list_objects_v2", {"IsTruncated": False, "Contents": others}, {**asked, "ContinuationToken": "more"}
        )
        assert ShardObjects(client, S3Prefix("corpora", "annotate/ner"), "run").present("records") == keys


def test_a_body_that_breaks_off_is_read_again() -> None:
    class Broken:
        reads = 0

        def get_object(self, **_: Any) -> Any:
            return {"Body": self}

        def read(self) -> bytes:
            self.reads += 1
            if self.reads < 3:
                raise ResponseStreamingError(error="broken")
            return b"whole"

    assert read_object(Broken(), "corpora", "key") == b"whole"


def test_a_document_that_no_function_reads_has_an_error() -> None:
    documents = [Document("a:1", "short", "a", 1), Document("a:2", "x" * 5000, "a", 2)]
    lines = b"".join(document_lines(documents))
    assert sendable(lines) == lines
    first, second = read_documents(sendable(lines, limit=1000).splitlines())
    assert first == documents[0]
    assert (second.id, second.number, second.text) == ("a:2", 2, None)
    assert second.error is not None
    assert second.error["remedy"] == "split its text, or annotate it with --on local"
