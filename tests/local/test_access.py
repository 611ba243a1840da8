"""Access control: every route, with the headers that browsers and other clients send."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.errors import LocalLambdaError
from spacy_lambda.local import FunctionSettings, LocalFunction, LocalLambda
from spacy_lambda.local.access import host_names
from spacy_lambda.local.http_server import HttpServer
from spacy_lambda.local.runtime_api import RuntimeApi
from tests.local.local_lambda import Lambda, settings

INVOKE = "/2015-03-31/functions/function/invocations"
API = [("POST", INVOKE), ("POST", "/2015-03-31/functions/function-compare/invocations"), ("GET", INVOKE)]
URLS = [
    ("GET", "/"),
    ("GET", "/info"),
    ("POST", "/predict"),
    ("POST", "/anything/else"),
    ("GET", "/compare/"),
    ("GET", "/compare"),
    ("POST", "/compare/predict"),
]
RUNTIME = [
    ("GET", "/2018-06-01/runtime/invocation/next"),
    ("POST", "/2018-06-01/runtime/invocation/x/response"),
    ("POST", "/2018-06-01/runtime/init/error"),
]
SITE = "https://site.example"
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "localhost.evil.example:{port}",
    "127.0.0.1.evil.example",
    "evil-localhost",
    "192.0.2.7:{port}",
    "[2001:db8::1]:{port}",
    "0x7f.1",
    "127.1:{port}",
    "local host",
    "127.0.0.1:{port}@evil.example",
    "user@127.0.0.1",
    "[::1",
    "[",
    "",
    "127.0.0.1:{port}/",
    "127.0.0.1:x",
    "\xff",
]
OWN_HOSTS = [
    "127.0.0.1:{port}",
    "localhost:{port}",
    "LOCALHOST:{port}",
    "localhost",
    "localhost.",
    "127.8.9.10:8080",
    "[::1]:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "app.localhost:{port}",
    "devbox.example:{port}",
    "10.9.8.7",
]
FOREIGN_PAGES = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://localhost:{port}"},  # another origin than 127.0.0.1
    {"Origin": "http://127.0.0.1:{port}.evil.example"},
    {"Origin": "chrome-extension://abc"},
    {"Origin": ""},
    {"Origin": "http://127.0.0.1:{port}, https://evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
]
OWN_PAGES = [
    {},
    {"Origin": "http://127.0.0.1:{port}"},
    {"Origin": "https://127.0.0.1:{port}"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:{port}"},
    {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
]
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.fixture(scope="module")
def port(pipeline: Path) -> Iterator[int]:
    """Two functions; the second lets the pages of one origin call it."""
    first = settings(pipeline, max_concurrency=2)
    second = settings(pipeline, max_concurrency=2, environment={"SPACY_LAMBDA_CORS": SITE})
    with Lambda(first, compare=LocalFunction(second), allow_hosts=["devbox.example", "10.9.8.7"]) as local:
        yield int(local.endpoint_url.rpartition(":")[2])


def send(port: int, method: str, path: str, headers: dict[str, str], host: str = "127.0.0.1:{port}") -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.putrequest(method, path, skip_host=True)
        body = b'{"do": "echo", "secret": "answer"}' if method == "POST" else b""
        for name, value in {"Host": host, "Content-Type": "text/plain", **headers}.items():
            connection.putheader(name, value.replace("{port}", str(port)).encode("latin-1"))
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_names_of_others_are_refused_on_every_route(port: int, host: str) -> None:
    for method, path in [*API, *URLS]:
        status, headers, body = send(port, method, path, {}, host)
        assert status in {400, 403}, (path, body)
        assert b"answer" not in body
        if status == 403:
            assert "--allow-host" in json.loads(body)["Message"]
            assert headers["x-amzn-ErrorType"] == "AccessDeniedException"


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_own_names_are_accepted(port: int, host: str) -> None:
    assert send(port, "POST", INVOKE, {}, host)[::2] == (200, b'{"secret": "answer"}')


@pytest.mark.parametrize("page", FOREIGN_PAGES, ids=str)
def test_pages_of_others_are_refused(port: int, page: dict[str, str]) -> None:
    for method, path in [*API, *URLS]:
        for one in {method, "OPTIONS"}:
            status, headers, body = send(port, one, path, page)
            assert status == 403, (one, path, body)
            assert "SPACY_LAMBDA_CORS" in json.loads(body)["Message"]
            assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("page", OWN_PAGES, ids=str)
def test_own_pages_and_programs_are_accepted(port: int, page: dict[str, str]) -> None:
    assert send(port, "POST", INVOKE, page)[0] == 200
    assert send(port, "GET", "/compare/", page)[0] != 403


def test_a_page_that_the_setting_names_may_call_the_url_and_nothing_else(port: int) -> None:
    page = {"Origin": SITE, "Sec-Fetch-Site": "cross-site"}
    assert send(port, "POST", "/compare/predict", page)[0] != 403
    assert send(port, "POST", "/predict", page)[0] == 403
    for method, path in API:
        assert send(port, method, path, page)[0] == 403
    assert send(port, "POST", "/compare/predict", page, "evil.example")[0] == 403


def test_a_link_leads_to_the_page_and_to_nothing_else(port: int) -> None:
    assert send(port, "GET", "/", LINK)[0] != 403
    assert send(port, "POST", "/", LINK)[0] == 403
    assert send(port, "GET", INVOKE, LINK)[0] == 403


@pytest.mark.slow
def test_the_setting_can_allow_all_pages(pipeline: Path) -> None:
    with LocalLambda(FunctionSettings(pipeline=pipeline, environment={"SPACY_LAMBDA_CORS": "*"})) as local:
        port = int(local.endpoint_url.rpartition(":")[2])
        status, headers, _ = send(port, "OPTIONS", "/predict", {"Origin": "null", "Sec-Fetch-Site": "cross-site"})
        assert (status, headers["access-control-allow-origin"]) == (204, "*")
        assert send(port, "POST", INVOKE, {"Origin": "null"})[0] == 403
        assert send(port, "POST", "/predict", {}, "evil.example")[0] == 403


@pytest.mark.parametrize(("method", "path"), RUNTIME)
def test_environments_take_nothing_from_pages(method: str, path: str) -> None:
    import asyncio

    async def run() -> None:
        server = HttpServer(RuntimeApi(timeout_s=3).app)
        await server.start()
        try:
            for headers, host in (({"Origin": SITE}, "127.0.0.1:{port}"), ({}, "evil.example"), (LINK, "localhost")):
                status, _, body = await asyncio.to_thread(send, server.port, method, path, headers, host)
                assert status == 403, body
        finally:
            await server.close()

    asyncio.run(run())


def test_the_address_that_a_request_came_to_is_accepted(pipeline: Path) -> None:
    with Lambda(settings(pipeline), host="0.0.0.0") as local:
        port = int(local.endpoint_url.rpartition(":")[2])
        assert send(port, "POST", INVOKE, {}, "127.0.0.1")[0] == 200
        assert send(port, "POST", INVOKE, {}, "0.0.0.0:{port}")[0] == 200
        assert send(port, "POST", INVOKE, {}, "192.0.2.1")[0] == 403


@pytest.mark.parametrize("name", ["", "*", "http://a.example", "a.example:80", "a b", "a/b", "[::1]:80", ".", "é"])
def test_a_name_that_cannot_be_one(name: str) -> None:
    with pytest.raises(LocalLambdaError, match="--allow-host") as caught:
        host_names([name], bound="127.0.0.1")
    assert "devbox.example.org" in caught.value.remedy


@pytest.mark.parametrize("name", ["a.example", "A.example.", "10.0.0.1", "::1", "[::1]"])
def test_names_that_can_be_one(name: str) -> None:
    assert len(host_names([name], bound="127.0.0.1")) == 2


CONTEXTS = [
    b"\xff",
    b"not json",
    b"{",
    b"[]",
    b"5",
    b'{"a": NaN}',
    b'{"a": "\xe9"}',
    b"[" * 2000,
    b'{"custom": "' + b"x" * 3000 + b'"}',
]
TRACES = ["caf\xe9", "\x7f", "a\x01b", "x" * 1025, "a\tb"]


@pytest.mark.parametrize("context", [*map(base64.b64encode, CONTEXTS), b"not base64!", b"e30", b"\xff"])
def test_a_client_context_that_cannot_be_handed_on_is_400(port: int, context: bytes) -> None:
    status, _, body = send(port, "POST", INVOKE, {"X-Amz-Client-Context": context.decode("latin-1")})
    assert (status, "Client context" in json.loads(body)["Message"]) == (400, True)
    assert send(port, "POST", INVOKE, {})[0] == 200


@pytest.mark.parametrize("context", [b'{\n"custom": {"a": "b"}\r\n}', '{"custom": {"a": "é \u2028"}}'.encode()])
def test_a_client_context_may_have_line_breaks_and_other_letters(port: int, context: bytes) -> None:
    headers = {"X-Amz-Client-Context": base64.b64encode(context).decode()}
    assert send(port, "POST", INVOKE, headers)[0] == 200


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("path", [INVOKE, "/predict"])
def test_a_trace_id_that_cannot_be_handed_on_is_400(port: int, path: str, trace: str) -> None:
    assert send(port, "POST", path, {"X-Amzn-Trace-Id": trace})[0] == 400
