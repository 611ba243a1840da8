"""Every way in which a call can fail, with its error and its retries."""

from __future__ import annotations

import json
import logging
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from spacy_lambda.client import Client
from spacy_lambda.errors import InvokeError, RequestError
from tests.client.fakes import Clock, answer_to, texts_of
from tests.client.http_stub import Reply, Stub, stub_server

TOKEN = "the-session-token"
PROBLEM = {
    "type": "about:blank",
    "title": "x",
    "status": 413,
    "detail": "too long",
    "remedy": "split it",
    "key": "text",
}


def by_url(stub: Stub, clock: Clock) -> Client:
    return Client(stub.url, retry=clock.retry(max_attempts=3), timeout_s=20)


def by_name(stub: Stub, clock: Clock) -> Client:
    return Client("function", endpoint_url=stub.url, retry=clock.retry(max_attempts=3), timeout_s=20)


Make = Callable[[Stub, Clock], Client]
BOTH = pytest.mark.parametrize("make", [by_url, by_name])


def refusal(status: int, kind: str, **headers: str) -> Reply:
    named = {"x-amzn-ErrorType": kind, "content-type": "application/json", **headers}
    return Reply(status, {"Message": "Slow down.", "Type": "User"}, named)


def function_error(kind: str, message: str) -> Reply:
    return Reply(200, {"errorType": kind, "errorMessage": message}, {"X-Amz-Function-Error": "Unhandled"})


@BOTH
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_statuses_that_pass(make: Make, status: int) -> None:
    clock = Clock()
    with stub_server(refusal(status, "TooManyRequestsException"), Reply(body=[])) as stub, make(stub, clock) as client:
        assert client.predict("iron") == []
    assert clock.waits == [0.2]


@BOTH
def test_retry_after(make: Make) -> None:
    clock = Clock()
    reply = refusal(429, "TooManyRequestsException", **{"Retry-After": "9"})
    with stub_server(reply, Reply(body=[])) as stub, make(stub, clock) as client:
        client.predict("iron")
    assert clock.waits == [9]


@BOTH
def test_a_connection_that_breaks(make: Make) -> None:
    clock = Clock()
    with stub_server(Reply(0), Reply(body=[])) as stub, make(stub, clock) as client:
        assert client.predict("iron") == []
    assert len(clock.waits) == 1


@BOTH
def test_refused_connections(make: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        stub = Stub(f"http://127.0.0.1:{free.getsockname()[1]}")
        clock = Clock()
        with make(stub, clock) as client, pytest.raises(InvokeError, match="cannot be reached") as caught:
            client.predict("iron")
    assert "check the" in caught.value.remedy
    assert len(clock.waits) == 2


@BOTH
def test_a_timeout(make: Make) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        clock = Clock()
        how: dict[str, Any] = {"timeout_s": 0.05, "retry": clock.retry(max_attempts=2)}
        made = Client(url, **how) if make is by_url else Client("function", endpoint_url=url, **how)
        with made as client, pytest.raises(InvokeError) as caught:
            list(client.pipe(["iron", "zinc"]))
    assert caught.value.remedy == "give a higher timeout_s"
    assert caught.value.key == "texts[0]"
    assert clock.waits == [], "the time is for all that a call does"


@BOTH
@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 415])
def test_other_refusals_are_not_retried(make: Make, status: int) -> None:
    clock = Clock()
    with (
        stub_server(refusal(status, "NoSuchException")) as stub,
        make(stub, clock) as client,
        pytest.raises(InvokeError, match=str(status)),
    ):
        client.predict("iron")
    assert clock.waits == []


@BOTH
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_that_quotes_the_token(make: Make, status: int, caplog: pytest.LogCaptureFixture) -> None:
    canonical = f"The Canonical String should have been 'POST x-amz-security-token:{TOKEN}'"
    reply = Reply(status, {"message": canonical}, {"x-amzn-ErrorType": "InvalidSignatureException"})
    with (
        caplog.at_level(logging.INFO),
        stub_server(reply) as stub,
        make(stub, Clock()) as client,
        pytest.raises(InvokeError) as caught,
    ):
        client.predict("iron")
    assert "aws sts get-caller-identity" in caught.value.remedy
    assert TOKEN not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_a_request_error_over_http() -> None:
    reply = Reply(413, PROBLEM, {"content-type": "application/problem+json"})
    with stub_server(reply) as stub, by_url(stub, Clock()) as client, pytest.raises(RequestError) as caught:
        client.predict("iron")
    found = caught.value
    assert (found.message, found.remedy, found.key, found.status) == ("too long", "split it", "text", 413)


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [("Function.ResponseSizeTooLarge", [2, 1, 1]), ("Sandbox.Timedout", [2, 1, 1]), ("KeyError", [2, 1, 1])],
)
def test_a_function_that_fails_gets_smaller_requests(kind: str, sizes: list[int]) -> None:
    replies = [function_error(kind, "it is 6 MB"), Reply(body=[answer_to("a")]), Reply(body=[answer_to("b")])]
    clock = Clock()
    with stub_server(*replies) as stub, by_name(stub, clock) as client:
        assert texts_of(client.pipe(["x", "y"])) == ["a", "b"]
    assert [len(json.loads(body)["texts"]) for *_, body in stub.requests] == sizes
    assert clock.waits == []


@pytest.mark.parametrize(
    ("kind", "waits", "remedy"),
    [("Function.ResponseSizeTooLarge", 0, "send fewer texts"), ("KeyError", 2, "see the function's log")],
)
def test_a_function_that_fails_at_one_text(kind: str, waits: int, remedy: str) -> None:
    clock = Clock()
    replies = [function_error(kind, "it broke")] * 3
    with stub_server(*replies) as stub, by_name(stub, clock) as client, pytest.raises(InvokeError) as caught:
        client.predict("iron")
    assert caught.value.message == f"function failed: {kind}: it broke"
    assert remedy in caught.value.remedy
    assert len(clock.waits) == waits


def test_too_large_a_request_is_bisected() -> None:
    replies = [Reply(413, {"Message": "Request Too Long"}), Reply(body=[answer_to("a")]), Reply(body=[answer_to("b")])]
    for make in (by_url, by_name):
        with stub_server(*replies) as stub, make(stub, Clock()) as client:
            assert texts_of(client.pipe(["x", "y"])) == ["a", "b"]


@pytest.mark.parametrize(
    "message",
    [
        '"texts" has 20,000 texts; the limit is 10,000',
        '"texts" takes about 40.0 s; the limit is 23.0',
        '"texts" takes about 40.0 s; the limit is 23.0 s, what is left of the timeout of 30 s',
        '"texts" cannot be predicted in the time that is left',
        "the response has 7,000,000 bytes; the limit is 6,291,556",
    ],
)
def test_requests_too_large_for_the_function_are_bisected(message: str) -> None:
    problem = {"detail": message, "remedy": "send fewer texts at once", "status": 413, "key": "texts"}
    refusals = {
        by_url: Reply(413, problem, {"content-type": "application/problem+json"}),
        by_name: function_error("RequestError", f"{message}; send fewer texts at once"),
    }
    for make, refusal in refusals.items():
        replies = [refusal, Reply(body=[answer_to("a")]), Reply(body=[answer_to("b")])]
        with stub_server(*replies) as stub, make(stub, Clock()) as client:
            assert texts_of(client.pipe(["x", "y"])) == ["a", "b"]
        with stub_server(refusal) as stub, make(stub, Clock()) as client, pytest.raises(RequestError) as caught:
            client.predict("x")
        assert (caught.value.message, caught.value.status) == (message, 413)


def test_functions_of_other_software() -> None:
    for reply in (Reply(body=b"<html>"), Reply(302, headers={"location": "https://example.com"})):
        with stub_server(reply) as stub, by_url(stub, Clock()) as client, pytest.raises(InvokeError):
            client.predict("iron")
    with (
        stub_server(Reply(body="hello")) as stub,
        by_name(stub, Clock()) as client,
        pytest.raises(InvokeError, match="has no HTTP API"),
    ):
        client.info()


def test_the_bytes_that_are_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with stub_server(Reply(headers={"set-cookie": "a=b"}), Reply()) as stub, by_url(stub, Clock()) as client:
        client.predict("naïve 🧪")
        client.predict("naïve 🧪")
    for method, path, headers, body in stub.requests:
        assert (method, path, body) == ("POST", "/predict", '{"text":"naïve 🧪"}'.encode())
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"].startswith("spacy-lambda/")
        assert not headers.keys() & {"authorization", "cookie"}


def test_an_endpoint_here_gets_no_credentials() -> None:
    session = boto3.Session("AKIDMINE", "mine", TOKEN, region_name="eu-west-1")
    with stub_server(Reply()) as stub, Client("function", session=session, endpoint_url=stub.url) as client:
        client.predict("iron")
    ((_, path, headers, _),) = stub.requests
    assert path == "/2015-03-31/functions/function/invocations"
    assert "AKIDMINE" not in headers["authorization"]
    assert TOKEN not in str(headers)


@pytest.mark.parametrize(
    ("function", "how", "region"),
    [
        ("arn:aws:lambda:eu-north-1:012345678901:function:f:live", {}, "eu-north-1"),
        ("f", {"region": "sa-east-1"}, "sa-east-1"),
        ("f", {}, "us-east-1"),
    ],
)
def test_regions_of_functions(function: str, how: dict[str, Any], region: str) -> None:
    with stub_server(Reply()) as stub, Client(function, endpoint_url=stub.url, qualifier="7", **how) as client:
        client.predict("iron")
    ((_, path, headers, _),) = stub.requests
    assert f"/{region}/lambda/aws4_request" in headers["authorization"]
    assert path.endswith("?Qualifier=7")


@pytest.mark.parametrize(
    ("target", "how", "message"),
    [
        ("https://me:secret@example.com", {}, "has a user name or a password in it"),
        ("https://me:secret@example.com:port", {}, "has a user name or a password in it"),
        ("https://", {}, "is not the URL of a function"),
        ("https://a.example?key=secret", {}, "is not the URL of a function"),
        ("https://a.example:port", {}, "is not the URL of a function"),
        ("https://a.example", {"qualifier": "live"}, "qualifier applies to a function's name"),
        ("https://a.example", {"auth": "yes"}, "choose from auto, iam, none"),
        ("https://a.example", {"concurrency": 0, "timeout_s": 0}, "concurrency is 0"),
        ("function", {"auth": "none"}, "does not accept unsigned requests"),
        ("function", {}, "region"),
        ("function", {"profile": "nobody"}, "nobody"),
    ],
)
def test_invalid_clients(target: str, how: dict[str, Any], message: str) -> None:
    with pytest.raises(InvokeError, match=message) as caught:
        Client(target, **how)
    assert caught.value.remedy
    assert "secret" not in str(caught.value)


def test_no_credentials() -> None:
    with Client("function", region="us-east-1") as client, pytest.raises(InvokeError) as caught:
        client.predict("iron")
    assert "no AWS credentials" in caught.value.message


@BOTH
def test_a_refused_connection_to_this_machine_names_the_command(make: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with (
            make(Stub(url), Clock()) as client,
            pytest.raises(InvokeError, match=f"nothing is listening at {url}") as caught,
        ):
            client.predict("iron")
    assert caught.value.remedy == "start it with `spacy-lambda serve PIPELINE`, or check the endpoint"
