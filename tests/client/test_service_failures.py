"""Timeouts, throttling, memory and gateways' limits: named with their figures and their remedies."""

from __future__ import annotations

import base64
import json

import pytest
import typer

from spacy_lambda.cli.invoke import invoke
from spacy_lambda.client import Client
from spacy_lambda.client.call_errors import status_error, timed_out
from spacy_lambda.client.deadline import Deadline
from spacy_lambda.client.invocation import FunctionError, Invocation, read_invocation
from spacy_lambda.client.service_failures import function_failure, is_gateway, status_failure
from spacy_lambda.client.transport import CallError
from spacy_lambda.errors import InvokeError
from spacy_lambda.local import caller
from tests.client.fakes import Clock
from tests.client.http_stub import Reply, stub_server

TIMED_OUT = "RequestId: 1f Error: Task timed out after 30.00 seconds"
URL = "https://abc.lambda-url.eu-central-1.on.aws"
GATEWAY = "https://abc.execute-api.eu-central-1.amazonaws.com/prod"


@pytest.mark.parametrize(
    ("error_type", "message", "said", "remedy"),
    [
        ("Sandbox.Timedout", TIMED_OUT, "its timeout of 30 s ended", "`timeout` in spacy-lambda.toml"),
        ("Unknown", "2024-05-01T10:00:00.000Z 1f Task timed out after 3.01 seconds", "of 3.01 s ended", "`timeout`"),
        (
            "Runtime.OutOfMemory",
            "Error: Runtime exited",
            "its memory does not suffice",
            "`memory` in spacy-lambda.toml",
        ),
        ("Runtime.ExitError", "Runtime exited with error: signal: killed", "its memory does not suffice", "10,240 MB"),
        ("Function.ResponseSizeTooLarge", "it is 7 MB", "it is 7 MB", "send fewer texts"),
    ],
)
def test_errors_of_the_platform(error_type: str, message: str, said: str, remedy: str) -> None:
    failure = function_failure(error_type, message)
    assert failure is not None
    assert said in failure.message
    assert remedy in failure.remedy
    assert failure.lasting
    assert FunctionError(error_type=error_type, message=message).remedy == failure.remedy


INIT_TIMEOUT = (
    "INIT_START Runtime Version: python:3.13.v1\nINIT_REPORT Init Duration: 9999.81 ms\tPhase: init\tStatus: timeout\n"
)
REPEATED_TIMEOUT = "START RequestId: 1f\nINIT_REPORT Init Duration: 2003.40 ms Phase: invoke Status: timeout\nEND\n"


@pytest.mark.parametrize(
    ("log_tail", "said", "of_init"),
    [
        (INIT_TIMEOUT + REPEATED_TIMEOUT, "its timeout of 30 s ended before its init did", True),
        (REPEATED_TIMEOUT, "its timeout of 30 s ended before its init did", True),
        (
            INIT_TIMEOUT,
            "its timeout of 30 s ended before it responded: its init took too long, and was repeated within that time",
            True,
        ),
        (INIT_TIMEOUT.replace("timeout", "error"), "its timeout of 30 s ended before it responded", False),
        ("it logged INIT_REPORT Phase: init Status: timeout", "its timeout of 30 s ended before it responded", False),
        ("", "its timeout of 30 s ended before it responded", False),
    ],
)
def test_a_timeout_of_an_init_is_known_by_the_log(log_tail: str, said: str, of_init: bool) -> None:
    error = FunctionError(error_type="Sandbox.Timedout", message=TIMED_OUT, log_tail=log_tail)
    assert error.failure is not None
    assert error.failure.message == said
    assert error.failure.remedy.startswith("raise the function's memory" if of_init else "send fewer or shorter texts")


def test_the_log_of_an_invocation_explains_its_error() -> None:
    response = {
        "FunctionError": "Unhandled",
        "StatusCode": 200,
        "LogResult": base64.b64encode((INIT_TIMEOUT + REPEATED_TIMEOUT).encode()).decode(),
        "ResponseMetadata": {},
    }
    payload = json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": TIMED_OUT}).encode()
    error = read_invocation(response, payload).error
    assert error is not None
    assert error.failure is not None
    assert error.failure.message.endswith("ended before its init did")


@pytest.mark.parametrize("error_type", ["KeyError", "Runtime.ImportModuleError", "Unknown"])
def test_errors_of_the_code_are_left_as_they_are(error_type: str) -> None:
    assert function_failure(error_type, "it broke") is None
    assert FunctionError(error_type=error_type, message="it broke").remedy is None


@pytest.mark.parametrize(
    ("status", "seconds", "url", "reason", "said", "remedy"),
    [
        (
            429,
            0.1,
            URL,
            None,
            "throttled the request (429): all of the function's concurrency, or of the",
            "`concurrency`",
        ),
        (429, 0.1, GATEWAY, None, "API Gateway's rate limit is exceeded", "the stage's throttling limit"),
        (
            429,
            None,
            URL,
            "ReservedFunctionConcurrentInvocationLimitExceeded",
            "all of the function's reserved concurrency is in use",
            "raise `concurrency` in spacy-lambda.toml",
        ),
        (429, None, URL, "ConcurrentInvocationLimitExceeded", "all of the account's concurrency", "higher quota"),
        (502, 30.04, URL, None, "returned 502 after 30.0 s: the function failed, or its timeout ended", "`timeout`"),
        (503, 1.0, URL, None, "returned 503 after 1.0 s: it is not available now", "retry later"),
        (
            504,
            29.02,
            GATEWAY,
            None,
            "returned 504 after 29.0 s: API Gateway ends requests at its limit",
            "Function URL",
        ),
        (503, 30.0, GATEWAY, None, "which is 29 s by default", "Function URL"),
        (504, 60.0, URL, None, "returned 504 after 60.0 s: a proxy or load balancer", "timeouts of the proxy"),
    ],
)
def test_statuses_are_explained(
    status: int, seconds: float | None, url: str, reason: str | None, said: str, remedy: str
) -> None:
    failure = status_failure(status, seconds=seconds, gateway=is_gateway(url, {}), reason=reason)
    error = status_error(url, status, "{}", failure=failure)
    assert error.message.startswith(f"{url} ")
    assert said in error.message
    assert remedy in error.remedy


def test_a_gateway_with_a_domain_of_its_own_is_known_by_its_headers() -> None:
    assert is_gateway("https://ner.example.org", {"apigw-requestid": "x"})
    assert not is_gateway("https://ner.example.org", {"x-amzn-requestid": "x"})
    assert not is_gateway(URL, {})


def test_a_function_that_times_out_is_not_retried() -> None:
    clock = Clock()
    reply = Reply(
        200, {"errorType": "Sandbox.Timedout", "errorMessage": TIMED_OUT}, {"X-Amz-Function-Error": "Unhandled"}
    )
    with (
        stub_server(reply) as stub,
        Client("papers-ner", endpoint_url=stub.url, retry=clock.retry()) as client,
        pytest.raises(InvokeError) as caught,
    ):
        client.predict("iron")
    message = "papers-ner failed: Sandbox.Timedout: its timeout of 30 s ended before it responded"
    assert caught.value.message == message
    assert "raise the function's timeout: `timeout` in spacy-lambda.toml" in caught.value.remedy
    assert clock.waits == []


def test_the_reason_of_throttling_is_read_from_lambdas_response() -> None:
    body = {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User", "message": "Rate Exceeded."}
    reply = Reply(429, body, {"x-amzn-ErrorType": "TooManyRequestsException"})
    clock = Clock()
    with (
        stub_server(reply, reply) as stub,
        Client("papers-ner", endpoint_url=stub.url, retry=clock.retry(max_attempts=2)) as client,
        pytest.raises(InvokeError) as caught,
    ):
        client.predict("iron")
    assert "all of the function's reserved concurrency is in use" in caught.value.message
    assert len(clock.waits) == 1


def test_the_failure_before_the_time_is_up_is_the_one_that_is_reported() -> None:
    failures = iter([CallError(InvokeError("returned 502", remedy="see its log"), retryable=True)])
    deadline = Deadline(60)

    def call() -> None:
        for failure in failures:
            raise failure
        deadline.end()
        raise timed_out(URL, 60)

    with pytest.raises(CallError, match="returned 502"):
        Clock().retry(max_attempts=3).run(call, deadline=deadline)


def test_the_command_prints_the_remedy(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    error = FunctionError(error_type="Sandbox.Timedout", message=TIMED_OUT)
    result = Invocation(answer={}, error=error, status=200, executed_version="1", request_id="1f", log_tail="")
    monkeypatch.setattr(caller, "invoke", lambda *arguments, **options: result)
    with pytest.raises(typer.Exit):
        invoke(endpoint="http://127.0.0.1:9001", text="iron")
    printed = capsys.readouterr().err.splitlines()
    assert printed[0] == "error: Sandbox.Timedout: its timeout of 30 s ended before it responded"
    assert printed[1].startswith("remedy: send fewer or shorter texts at once, or raise the function's timeout")
