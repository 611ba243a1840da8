"""The Invoke API, called by boto3 and the AWS CLI."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from spacy_lambda import Client, serve
from spacy_lambda.cli.serving import aws_command
from spacy_lambda.client.report_line import Report
from spacy_lambda.errors import InvokeError
from spacy_lambda.local import FunctionSettings, async_invocation, invoke, parse_report
from spacy_lambda.local.messages import FunctionResponse, InvokeRequest, Outcome
from spacy_lambda.local.pool import TooManyRequests
from spacy_lambda.local.router import RoutedFunction
from tests.local.local_lambda import Lambda, wait_until

ARN = "arn:aws:lambda:us-east-1:012345678901:function:function"


def call(local: Lambda, event: object, **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = local.client.invoke(
        **{"FunctionName": "function", "Payload": json.dumps(event).encode(), **options}
    )
    return answer


def answer(response: dict[str, Any]) -> Any:
    return json.loads(response["Payload"].read())


def test_round_trip(local: Lambda) -> None:
    response = call(local, {"do": "echo", "text": "naïve 😀"})
    assert answer(response) == {"text": "naïve 😀"}
    assert response["StatusCode"] == 200
    assert response["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in response
    assert "LogResult" not in response


def test_the_variable_names_the_pipeline(local: Lambda) -> None:
    response = call(local, {"do": "entities", "text": "I work at Acme."})
    assert answer(response) == [{"text": "Acme", "label": "ORG", "start": 10, "end": 14}]


def test_log_tail_is_the_invocations_own(local: Lambda) -> None:
    call(local, {"do": "say", "text": "before"})
    response = call(local, {"do": "say", "text": "hello"}, LogType="Tail")
    request_id = response["ResponseMetadata"]["RequestId"]
    log = base64.b64decode(response["LogResult"]).decode()
    assert log.splitlines()[-5:-1] == [
        f"START RequestId: {request_id} Version: $LATEST",
        "hello",
        "hello",
        f"END RequestId: {request_id}",
    ]
    report = parse_report(log)
    assert report is not None
    assert report.request_id == request_id
    assert report.memory_size_mb == 2048
    assert report.duration_ms > 0


def test_log_tail_is_cut_at_4_kb(local: Lambda) -> None:
    response = call(local, {"do": "say", "text": "y" * 10_000}, LogType="Tail")
    assert len(base64.b64decode(response["LogResult"])) == 4096


def test_init_duration_and_memory_are_in_the_first_report_only(start: Callable[..., Lambda]) -> None:
    local = start()
    first, second = (invoke(local.endpoint_url, "function", {"do": "echo"}) for _ in range(2))
    assert first.report is not None
    assert first.report.init_ms is not None
    assert first.report.billed_ms >= first.report.init_ms
    assert "stub is imported" in first.log_tail
    assert second.report is not None
    assert second.report.init_ms is None
    assert "stub is imported" not in second.log_tail
    if sys.platform == "linux":
        assert second.report.max_memory_mb is not None


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        ("function", ARN),
        ("function:live", f"{ARN}:live"),
        ("012345678901:function:function", ARN),
        (ARN, ARN),
        (f"{ARN}:7", f"{ARN}:7"),
        (f"{ARN}:$LATEST", f"{ARN}:$LATEST"),
    ],
)
def test_names_of_the_function(local: Lambda, name: str, arn: str) -> None:
    assert answer(call(local, {"do": "describe"}, FunctionName=name))["arn"] == arn


def test_qualifier(local: Lambda) -> None:
    response = call(local, {"do": "describe"}, Qualifier="live")
    assert answer(response)["arn"] == f"{ARN}:live"
    assert response["ExecutedVersion"] == "$LATEST"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"FunctionName": f"{ARN}:live", "Qualifier": "7"}, "derived qualifier from the function name does not match"),
        ({"LogType": "tail"}, "Value 'tail' at 'logType' is not one of None, Tail"),
        ({"InvocationType": "event"}, "Value 'event' at 'invocationType' is not one of RequestResponse, Event, DryRun"),
    ],
)
def test_invalid_values_are_refused(local: Lambda, options: dict[str, str], message: str) -> None:
    with pytest.raises(ClientError, match=message) as caught:
        call(local, {"do": "describe"}, **options)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_context_and_variables(local: Lambda, pipeline: Path) -> None:
    client_context = base64.b64encode(json.dumps({"custom": {"a": "b"}}).encode()).decode()
    response = call(local, {"do": "describe"}, ClientContext=client_context)
    found = answer(response)
    assert found["request_id"] == response["ResponseMetadata"]["RequestId"]
    assert found["function"] == "function"
    assert found["memory"] == "2048"
    assert 0 < found["remaining_ms"] <= 30_000
    assert found["client_context"] == {"a": "b"}
    variables = found["variables"]
    assert variables["SPACY_LAMBDA_PIPELINE"] == str(pipeline)
    assert variables["_HANDLER"] == "stub.handler"
    assert variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert variables["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert "HOME" not in variables


def test_empty_body_is_an_empty_object(local: Lambda) -> None:
    response = local.client.invoke(FunctionName="function")
    assert answer(response)["errorType"] == "KeyError"  # {} has no "do"; it is not a JSON error


def test_function_error(local: Lambda) -> None:
    response = call(local, {"do": "fail", "text": "which"}, LogType="Tail")
    assert response["StatusCode"] == 200
    assert response["FunctionError"] == "Unhandled"
    error = answer(response)
    assert error["errorType"] == "KeyError"
    assert error["errorMessage"] == "'which'"
    log = base64.b64decode(response["LogResult"]).decode()
    assert "[ERROR] KeyError: 'which'" in log
    assert "Status: error" in log


def test_unknown_function(local: Lambda) -> None:
    with pytest.raises(local.client.exceptions.ResourceNotFoundException) as caught:
        call(local, {}, FunctionName="other")
    assert caught.value.response["Error"]["Message"] == "Function not found: function:other"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"score": NaN}'])
def test_body_that_is_not_json(local: Lambda, body: bytes) -> None:
    with pytest.raises(local.client.exceptions.InvalidRequestContentException) as caught:
        local.client.invoke(FunctionName="function", Payload=body)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_body_that_is_too_large(local: Lambda) -> None:
    with pytest.raises(local.client.exceptions.RequestTooLargeException) as caught:
        call(local, "x" * (6 * 1024 * 1024))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_event_has_a_lower_limit(local: Lambda) -> None:
    with pytest.raises(local.client.exceptions.RequestTooLargeException):
        call(local, "x" * (1024 * 1024), InvocationType="Event")


def test_body_at_the_limit_passes(local: Lambda) -> None:
    event = {"do": "echo", "text": ""}
    event["text"] = "x" * (6 * 1024 * 1024 - len(json.dumps(event)))
    assert len(answer(call(local, event))["text"]) == len(event["text"])


def test_response_that_is_too_large(start: Callable[..., Lambda]) -> None:
    local = start()
    response = call(local, {"do": "answer_bytes", "size": 7 * 1024 * 1024})
    assert response["FunctionError"] == "Unhandled"
    assert answer(response)["errorType"] == "Function.ResponseSizeTooLarge"
    assert answer(call(local, {"do": "echo", "a": 1})) == {"a": 1}


def test_dry_run(local: Lambda) -> None:
    response = call(local, {"do": "say", "text": "dry"}, InvocationType="DryRun")
    assert response["StatusCode"] == 204
    assert "dry" not in local.log.lines


def test_event(local: Lambda) -> None:
    response = call(local, {"do": "say", "text": "an event"}, InvocationType="Event")
    assert response["StatusCode"] == 202
    assert response["Payload"].read() == b""
    local.log.wait_for("an event")


def test_an_event_that_fails_is_retried_and_recorded(start: Callable[..., Lambda], tmp_path: Path) -> None:
    local = start(retry_after_s=(0.01, 0.02), on_failure=tmp_path / "failed")
    call(local, {"do": "fail", "text": "never"}, InvocationType="Event")
    wait_until(lambda: list(tmp_path.glob("failed/*.json")))
    wait_until(lambda: (path := next(tmp_path.glob("failed/*.json"))) and path.read_text().endswith("}\n"))
    (path,) = tmp_path.glob("failed/*.json")
    record = json.loads(path.read_text())
    assert record["requestPayload"] == {"do": "fail", "text": "never"}
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["responsePayload"]["errorType"] == "KeyError"
    starts = [line for line in local.log.lines if line.startswith("START")]
    assert len(starts) == 3
    assert len(set(starts)) == 1
    assert path.stem in starts[0]
    call(local, {"do": "say", "text": "works"}, InvocationType="Event")
    local.log.wait_for("works")
    assert len(list(tmp_path.glob("failed/*.json"))) == 1


def test_a_throttled_event_waits(monkeypatch: pytest.MonkeyPatch, pipeline: Path, caplog: Any) -> None:
    monkeypatch.setattr(async_invocation, "FIRST_WAIT_S", 0.001)
    calls = []

    async def invoke(request: InvokeRequest) -> Outcome:
        calls.append(request)
        if len(calls) < 4:
            raise TooManyRequests
        response = FunctionResponse(payload=b"{}")
        return Outcome(
            response=response, report=Report(request_id="1", duration_ms=1, memory_size_mb=128), log_tail=b""
        )

    request = InvokeRequest(request_id="1", payload=b"{}", arn="arn", trace_id="")
    function = RoutedFunction(FunctionSettings(pipeline=pipeline), invoke)
    asyncio.run(async_invocation.invoke_until_success(function, request, turns=asyncio.Semaphore()))
    assert len(calls) == 4
    monkeypatch.setattr(async_invocation, "MAX_AGE_S", 0)
    calls.clear()
    asyncio.run(async_invocation.invoke_until_success(function, request, turns=asyncio.Semaphore()))
    assert len(calls) == 1
    assert "event 1 was dropped: TooManyRequests" in caplog.text


def test_events_take_no_places_in_the_queue_of_requests(start: Callable[..., Lambda]) -> None:
    local = start(queue_limit=1)
    for number in range(4):
        call(local, {"do": "say", "text": f"event {number}"}, InvocationType="Event")
    assert answer(call(local, {"do": "echo"})) == {}
    local.log.wait_for("event 3")


def test_an_event_that_waits_at_the_end_is_reported(start: Callable[..., Lambda], caplog: Any) -> None:
    local = start(retry_after_s=(60.0,))
    call(local, {"do": "fail", "text": "once"}, InvocationType="Event")
    local.log.wait_for("REPORT")
    local.close()
    assert "was dropped: the local Lambda is shutting down" in caplog.text


def test_unknown_invocation_type_is_refused(local: Lambda) -> None:
    with pytest.raises(local.client.exceptions.InvalidParameterValueException):
        call(local, {}, InvocationType="Sometimes")


def test_other_operations_are_refused(local: Lambda) -> None:
    with pytest.raises(ClientError) as caught:
        local.client.list_functions()
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"


@pytest.mark.slow
def test_200_requests_at_once_each_get_their_own_answer(local: Lambda) -> None:
    def ask(number: int) -> Any:
        return answer(call(local, {"do": "echo", "number": number}))

    with ThreadPoolExecutor(200) as threads:
        answers = list(threads.map(ask, range(200)))
    assert answers == [{"number": number} for number in range(200)]
    assert 1 <= len(local.environment_pids) <= 2


@pytest.mark.slow
def test_aws_cli(local: Lambda, tmp_path: Path) -> None:
    command = Path(sys.executable).parent / "aws"
    if not command.exists():
        pytest.skip("awscli is not installed")
    event = tmp_path / "event.json"
    event.write_text('{"do": "echo", "text": "hello"}')
    done = subprocess.run(
        [
            *(command, "lambda", "invoke", "--endpoint-url", local.endpoint_url),
            *("--function-name", "function", "--payload", f"fileb://{event}", tmp_path / "answer.json"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    assert json.loads((tmp_path / "answer.json").read_text()) == {"text": "hello"}


@pytest.mark.slow
@pytest.mark.parametrize("rest", ["", " | cat", " > answer.json && cat answer.json"])
def test_the_line_that_serve_prints_for_the_aws_cli(local: Lambda, tmp_path: Path, rest: str) -> None:
    programs = Path(sys.executable).parent
    if not (programs / "aws").exists():
        pytest.skip("awscli is not installed")
    line = aws_command(local.endpoint_url, "function").replace('{"text": "..."}', '{"do": "echo", "text": "hello"}')
    done = subprocess.run(
        ["bash", "-c", line + rest],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('{"text": "hello"}'), done.stdout
    assert json.loads(done.stdout.removeprefix('{"text": "hello"}'))["StatusCode"] == 200


def test_client(local: Lambda) -> None:
    result = invoke(local.endpoint_url, "function", {"do": "echo", "a": 1}, qualifier="live")
    assert (result.answer, result.error, result.status) == ({"a": 1}, None, 200)
    assert result.executed_version == "$LATEST"
    assert result.report is not None
    assert result.report.request_id == result.request_id


def test_client_gives_a_function_error_as_a_value(local: Lambda) -> None:
    result = invoke(local.endpoint_url, "function", {"do": "fail", "text": "x"})
    assert result.error is not None
    assert (result.error.error_type, result.error.message) == ("KeyError", "'x'")


def test_client_names_the_remedy(local: Lambda) -> None:
    with pytest.raises(InvokeError, match=r"^Function not found: function:other\n") as refused:
        invoke(local.endpoint_url, "other", {})
    assert "check the URL or the name" in refused.value.remedy
    with pytest.raises(InvokeError, match="nothing is listening") as unreachable:
        invoke("http://127.0.0.1:9", "function", {})
    assert "spacy-lambda serve" in unreachable.value.remedy


def test_client_that_leaves_breaks_nothing(local: Lambda) -> None:
    aws = shutil.which("curl")
    if aws is None:
        pytest.skip("curl is not installed")
    url = f"{local.endpoint_url}/2015-03-31/functions/function/invocations"
    event = '{"do": "sleep", "seconds": 1}'
    done = subprocess.run([aws, "-s", "-m", "0.3", "-d", event, url], check=False)
    assert done.returncode == 28
    for number in range(5):
        assert answer(call(local, {"do": "echo", "n": number})) == {"n": number}


@pytest.mark.slow
def test_the_public_serve_starts_a_function(pipeline: Path) -> None:
    with serve(pipeline, name="ner", environment={"SPACY_LAMBDA_PAGE": "off"}) as local:
        with Client("ner", endpoint_url=local.endpoint_url) as client:
            assert isinstance(client.predict("Iron."), list)
        assert local.function.settings.environment == {"SPACY_LAMBDA_PAGE": "off"}
