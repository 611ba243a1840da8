"""The function's URL on this machine, called as any HTTP client calls it."""

from __future__ import annotations

import base64
import gzip
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request as HttpRequest

from spacy_lambda.client.report_line import Report
from spacy_lambda.local import FunctionSettings, LocalLambda
from spacy_lambda.local.function_url import url_event, url_response
from spacy_lambda.local.messages import FunctionResponse, Outcome

TEXT = "🧪 Acme and e\u0301 Acme"


@pytest.fixture(scope="module")
def url(pipeline: Path) -> Iterator[str]:
    with LocalLambda(FunctionSettings(pipeline=pipeline, max_concurrency=1)) as local:
        yield local.endpoint_url


def call(url: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, headers=named)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, dict(exc.headers), exc.read()


def test_predict(url: str) -> None:
    body = json.dumps({"text": TEXT}).encode()
    for data, headers in ((body, {}), (gzip.compress(body), {"content_encoding": "gzip"})):
        status, found, body = call(f"{url}/predict", data, content_type="application/json", **headers)
        assert status == 200
        assert [TEXT[ent["start"] : ent["end"]] for ent in json.loads(body)] == ["Acme", "Acme"]
        assert found["x-request-id"] == found["x-amzn-requestid"]


def test_packed_and_not(url: str) -> None:
    body = json.dumps({"texts": [TEXT] * 50}).encode()
    _, headers, packed = call(f"{url}/predict", body, content_type="application/json", accept_encoding="gzip")
    assert headers["content-encoding"] == "gzip"
    _, _, plain = call(f"{url}/predict", body, content_type="application/json")
    assert gzip.decompress(packed) == plain


def test_invalid_requests(url: str) -> None:
    status, headers, body = call(f"{url}/predict", b"{}", content_type="application/json")
    assert (status, headers["content-type"]) == (400, "application/problem+json")
    assert json.loads(body)["key"] == "text"
    assert call(f"{url}/nothing?a=b&a=c")[0] == 404
    status, _, body = call(f"{url}/2015-03-31/functions/function/url")
    assert (status, json.loads(body)["Type"]) == (404, "User")


def http_request(**scope: Any) -> HttpRequest:
    return HttpRequest({"type": "http", "method": "POST", "scheme": "http", "server": ("127.0.0.1", 80), **scope})


def test_the_event_is_awss() -> None:
    headers = [(b"host", b"a.example"), (b"x-a", b"1"), (b"x-a", b"2"), (b"cookie", b"c=1; d=2")]
    headers.append((b"content-type", b"application/octet-stream"))
    http = http_request(path="/ä b", raw_path=b"/%C3%A4%20b?x", query_string=b"p=1&p=2", headers=headers)
    event = url_event(http, b"\xff", "id")
    now = event["requestContext"].pop("time"), event["requestContext"].pop("timeEpoch")
    assert all(now)
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/%C3%A4%20b",
        "rawQueryString": "p=1&p=2",
        "queryStringParameters": {"p": "1,2"},
        "cookies": ["c=1", "d=2"],
        "headers": {"host": "a.example", "x-a": "1,2", "content-type": "application/octet-stream"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "a",
            "domainName": "a.example",
            "domainPrefix": "a",
            "http": {
                "method": "POST",
                "path": "/ä b",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
        },
        "body": base64.b64encode(b"\xff").decode(),
        "isBase64Encoded": True,
    }


@pytest.mark.parametrize(
    ("payload", "error_type", "status", "body"),
    [
        (b'[{"a": 1}]', None, 200, b'[{"a": 1}]'),
        (b'{"statusCode": 201, "body": "x", "headers": {"a": "b"}, "cookies": ["c=1"]}', None, 201, b"x"),
        (b'{"statusCode": 200, "body": "/w==", "isBase64Encoded": true}', None, 200, b"\xff"),
        (b'{"statusCode": "no", "body": 5}', None, 502, b'{"Message":"Internal Server Error"}'),
        (b'{"errorMessage": "secret"}', "Error", 502, b'{"Message":"Internal Server Error"}'),
    ],
)
def test_answers(payload: bytes, error_type: str | None, status: int, body: bytes) -> None:
    report = Report(request_id="id", duration_ms=1.0, memory_size_mb=128, max_memory_mb=1)
    answered = FunctionResponse(payload=payload, error_type=error_type)
    response = url_response(Outcome(response=answered, report=report, log_tail=b""))
    assert (response.status_code, response.body) == (status, body)
