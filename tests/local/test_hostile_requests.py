"""Hostile requests, which must not crash an environment or the server."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from spacy_lambda.client.report_line import Report
from spacy_lambda.local import invoke
from spacy_lambda.local.function_url import url_response
from spacy_lambda.local.messages import FunctionResponse, Outcome
from tests.local.local_lambda import Lambda, settings
from tests.profiles import examples

INVOKE = b"/2015-03-31/functions/function/invocations"
NAMES = (
    b"X-Amzn-Trace-Id",
    b"X-Amz-Client-Context",
    b"X-Amz-Invocation-Type",
    b"X-Amz-Log-Type",
    b"Lambda-Runtime-Trace-Id",
    b"Content-Type",
    b"Content-Encoding",
    b"Cookie",
    b"Origin",
    b"User-Agent",
    b"X-Forwarded-For",
    b"Expect",
    b"Transfer-Encoding",
    b"Connection",
    b"Range",
)
VALUES = st.one_of(
    st.binary(max_size=40),
    st.binary(max_size=40).map(base64.b64encode),
    st.text(max_size=20).map(lambda text: base64.b64encode(json.dumps({"custom": text}).encode())),
    st.sampled_from(
        [b"", b"\xff", b"a\x00b", b"{}", b"chunked", b"100-continue", b"Root=1-\xc3\xa9", b"e30", b"DryRun"]
    ),
)
HEADERS = st.lists(st.tuples(st.one_of(st.sampled_from(NAMES), st.binary(min_size=1, max_size=12)), VALUES), max_size=4)
PATHS = st.one_of(
    st.sampled_from(
        [INVOKE, b"/predict", b"/", INVOKE + b"?Qualifier=%0d%0aa", b"/2015-03-31/functions/%ff/invocations"]
    ),
    st.binary(max_size=20).map(lambda path: b"/" + path),
)
BODIES = st.one_of(
    st.sampled_from(
        [b"", b'{"do": "echo"}', b'{"do": "echo", "a": "\\ud800"}', b'{"do": "echo", "\\uDfff": 1}', b"[" * 9999]
    ),
    st.sampled_from(['{"do": "echo"}'.encode("utf-16"), b'\xef\xbb\xbf{"do": "echo"}', b"1e999", b"-0", b"null"]),
    st.binary(max_size=60),
)


@pytest.fixture(scope="module")
def local(pipeline: Path) -> Iterator[Lambda]:
    with Lambda(settings(pipeline)) as running:
        yield running


@pytest.fixture(scope="module")
def pid(local: Lambda) -> Any:
    return invoke(local.endpoint_url, "function", {"do": "describe"}).answer["pid"]


def talk(local: Lambda, request: bytes) -> bytes:
    address, _, port = local.endpoint_url.removeprefix("http://").rpartition(":")
    with socket.create_connection((address, int(port)), timeout=60) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


@profile(max_examples=examples(150), derandomize=True)
@given(
    method=st.sampled_from([b"POST", b"GET", b"OPTIONS", b"HEAD", b"DELETE", b"X"]),
    path=PATHS,
    headers=HEADERS,
    body=BODIES,
)
@example(b"POST", INVOKE, [(b"X-Amzn-Trace-Id", b"Root=1-\xc3\xa9")], b"{}")
@example(b"POST", INVOKE, [(b"X-Amz-Client-Context", base64.b64encode(b'{"a":\n"b"}'))], b'{"do": "echo"}')
@example(b"POST", INVOKE, [(b"X-Amz-Client-Context", base64.b64encode(b"a\r\nLambda-Runtime-Deadline-Ms: 0"))], b"{}")
@example(b"POST", INVOKE, [], b'{"do": "echo", "a": "\\ud800"}')
@example(b"POST", INVOKE, [], b'{"do": "answer_bytes", "size": 100}')
def test_any_request(
    local: Lambda,
    pid: int,
    caplog: pytest.LogCaptureFixture,
    method: bytes,
    path: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    lines = [b"%s %s HTTP/1.1" % (method, path), b"Host: 127.0.0.1", b"Content-Length: %d" % len(body)]
    lines += [b"%s: %s" % header for header in headers]
    response = talk(local, b"\r\n".join([*lines, b"", body]))
    assert not response or response.split()[1] != b"500", response
    assert b"Traceback" not in response.partition(b"\r\n\r\n")[0]
    assert "Traceback" not in caplog.text
    assert local.environment_pids == (pid,), response


@pytest.mark.parametrize("sent", [b"", b'{"do"'])
@pytest.mark.parametrize("path", [INVOKE, b"/predict"])
def test_a_caller_that_goes_before_all_is_sent(
    local: Lambda, pid: int, caplog: pytest.LogCaptureFixture, path: bytes, sent: bytes
) -> None:
    talk(local, b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n%s" % (path, sent))
    assert invoke(local.endpoint_url, "function", {"do": "echo"}).answer == {}
    assert "Traceback" not in caplog.text
    assert local.environment_pids == (pid,)


ANSWERS = [
    {"statusCode": 99},
    {"statusCode": 101},
    {"statusCode": 10**400},
    {"statusCode": "x"},
    {"statusCode": float("inf")},
    {"statusCode": 200, "headers": {"a": "b\r\nc: d"}},
    {"statusCode": 200, "headers": {"a\n": "b"}},
    {"statusCode": 200, "headers": {"": "b"}},
    {"statusCode": 200, "headers": {"a": "\u20ac"}},
    {"statusCode": 200, "headers": {"a": "\x00"}},
    {"statusCode": 200, "headers": ["a"]},
    {"statusCode": 200, "cookies": ["a\r\nb: c"]},
    {"statusCode": 200, "cookies": [5]},
    {"statusCode": 200, "body": 5},
    {"statusCode": 200, "body": "\ud800"},
    {"statusCode": 200, "body": "a", "isBase64Encoded": True},
    {"statusCode": 200, "body": "é", "headers": {"Content-Length": "1"}},
    {"statusCode": 200, "body": "a", "headers": {"content-length": "x"}},
]


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_a_response_that_http_cannot_represent_is_502(answer: Any) -> None:
    assert url_response(_outcome(json.dumps(answer).encode())).status_code == 502


def test_a_deep_response_is_502() -> None:
    assert url_response(_outcome(b"[" * 100_000)).status_code == 502


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(status: int) -> None:
    headers = {"content-length": "5", "Transfer-Encoding": "chunked", "x-mine": "a b"}
    response = url_response(_outcome(json.dumps({"statusCode": status, "body": "hello", "headers": headers}).encode()))
    assert (response.body, response.headers.get("x-mine"), "transfer-encoding" in response.headers) == (
        b"",
        "a b",
        False,
    )


@pytest.mark.parametrize(("method", "length"), [("GET", "2"), ("HEAD", "99")])
def test_a_length_that_may_be_given(method: str, length: str) -> None:
    answer = {"statusCode": 200, "body": "é", "headers": {"content-length": length}}
    assert url_response(_outcome(json.dumps(answer).encode()), method=method).status_code == 200


def _outcome(payload: bytes) -> Outcome:
    report = Report(request_id="a", duration_ms=1.0, memory_size_mb=128)
    return Outcome(response=FunctionResponse(payload=payload), report=report, log_tail=b"")


def test_an_upgrade_is_answered_by_http_1_1(local: Lambda, caplog: pytest.LogCaptureFixture) -> None:
    host, port = local.endpoint_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
            b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 14\r\n\r\n" % INVOKE + b'{"do": "echo"}'
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 ")
    assert "WebSocket" not in caplog.text
