"""The Runtime API's responses to a runtime that violates the protocol."""

from __future__ import annotations

import asyncio
import http.client
import json
import select
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from spacy_lambda.local.http_server import HttpServer
from spacy_lambda.local.messages import FunctionResponse, InvokeRequest
from spacy_lambda.local.runtime_api import NotTaken, RuntimeApi

PREFIX = "/2018-06-01/runtime"
REQUEST = InvokeRequest(request_id="an-id", payload=b'{"a": 1}', arn="arn", trace_id="Root=1", client_context="{}")

Call = Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]]


def play(scene: Callable[[RuntimeApi, Call], Awaitable[None]], *, snap_start: bool = False) -> None:
    """Run a scenario against a served Runtime API."""

    async def run() -> None:
        api = RuntimeApi(timeout_s=3, snap_start=snap_start)
        server = HttpServer(api.app, on_disconnect=api.on_disconnect)
        await server.start()

        def send(method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Any:
            connection = http.client.HTTPConnection(server.address, timeout=30)
            try:
                connection.request(method, PREFIX + path, body, headers)
                response = connection.getresponse()
                return response.status, dict(response.getheaders()), response.read()
            finally:
                connection.close()

        async def call(method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            return await asyncio.to_thread(send, method, path, body, names)

        call.address = server.address  # type: ignore[attr-defined]
        try:
            await scene(api, call)
        finally:
            api.close()
            await server.close()

    asyncio.run(run())


async def take(api: RuntimeApi, call: Call) -> tuple[dict[str, str], asyncio.Future[FunctionResponse]]:
    """Ask for the next event, and get it."""
    asking = asyncio.ensure_future(call("GET", "/invocation/next"))
    await api.idle.wait()
    answer = api.send_event(REQUEST)
    status, headers, body = await asking
    assert (status, body) == (200, REQUEST.payload)
    return {name.lower(): value for name, value in headers.items()}, answer


def error_type(body: bytes) -> str:
    return str(json.loads(body)["errorType"])


def test_an_event_and_its_answer() -> None:
    async def scene(api: RuntimeApi, call: Call) -> None:
        headers, answer = await take(api, call)
        assert headers["lambda-runtime-aws-request-id"] == "an-id"
        assert headers["lambda-runtime-invoked-function-arn"] == "arn"
        assert headers["lambda-runtime-trace-id"] == "Root=1"
        assert headers["lambda-runtime-client-context"] == "{}"
        assert int(headers["lambda-runtime-deadline-ms"]) > 0
        echo = {"Lambda_Runtime_Invocation_Id": headers["lambda-runtime-invocation-id"]}
        status, _, body = await call("POST", "/invocation/an-id/response", b"[]", **echo)
        assert (status, json.loads(body)) == (202, {"status": "OK"})
        assert await answer == FunctionResponse(payload=b"[]")
        assert api.ended > api.began

    play(scene)


def test_wrong_ids_are_refused() -> None:
    async def scene(api: RuntimeApi, call: Call) -> None:
        status, _, body = await call("POST", "/invocation/early/response", b"1")
        assert (status, error_type(body)) == (400, "InvalidRequestID")
        _, answer = await take(api, call)
        status, _, body = await call("POST", "/invocation/other/response", b"1")
        assert (status, error_type(body)) == (400, "InvalidRequestID")
        stale = {"Lambda_Runtime_Invocation_Id": "of another invocation"}
        status, _, body = await call("POST", "/invocation/an-id/error", b"{}", **stale)
        assert (status, error_type(body)) == (400, "InvalidRequestID")
        assert not answer.done()

    play(scene)


def test_wrong_states_are_refused() -> None:
    async def scene(api: RuntimeApi, call: Call) -> None:
        await take(api, call)
        for method, path in (("GET", "/invocation/next"), ("POST", "/init/error")):
            status, _, body = await call(method, path)
            assert (status, error_type(body)) == (403, "InvalidStateTransition")
        assert (await call("POST", "/invocation/an-id/response", b"1"))[0] == 202
        status, _, body = await call("POST", "/invocation/an-id/response", b"2")
        assert (status, error_type(body)) == (403, "InvalidStateTransition")

    play(scene)


def test_init_error_is_kept_and_is_final() -> None:
    async def scene(api: RuntimeApi, call: Call) -> None:
        error = json.dumps({"errorType": "ValueError", "errorMessage": "no"}).encode()
        assert (await call("POST", "/init/error", error))[0] == 202
        assert api.init_error == FunctionResponse(payload=error, error_type="ValueError")
        assert api.idle.is_set()
        status, _, body = await call("GET", "/invocation/next")
        assert (status, error_type(body)) == (403, "InvalidStateTransition")

    play(scene)


def test_error_type_may_be_in_the_header_only() -> None:
    async def scene(api: RuntimeApi, call: Call) -> None:
        _, answer = await take(api, call)
        header = {"Lambda_Runtime_Function_Error_Type": "Runtime.Custom"}
        assert (await call("POST", "/invocation/an-id/error", b"oops", **header))[0] == 202
        assert await answer == FunctionResponse(payload=b"oops", error_type="Runtime.Custom")

    play(scene)


def test_answer_that_is_too_large() -> None:
    async def scene(api: RuntimeApi, call: Call) -> None:
        _, answer = await take(api, call)
        status, _, body = await call("POST", "/invocation/an-id/response", bytes(6 * 1024 * 1024 + 101))
        assert (status, error_type(body)) == (413, "RequestEntityTooLarge")
        assert (await answer).error_type == "Function.ResponseSizeTooLarge"

    play(scene)


def test_an_error_type_that_is_not_lambdas() -> None:
    async def scene(api: RuntimeApi, call: Call) -> None:
        _, answer = await take(api, call)
        header = {"Lambda_Runtime_Function_Error_Type": "anything"}
        assert (await call("POST", "/invocation/an-id/error", b"", **header))[0] == 202
        assert (await answer).error_type == "Runtime.Unknown"

    play(scene)


def test_response_modes() -> None:
    async def scene(api: RuntimeApi, call: Call) -> None:
        _, answer = await take(api, call)
        header = {"Lambda_Runtime_Function_Response_Mode": "other"}
        status, _, body = await call("POST", "/invocation/an-id/response", b"1", **header)
        assert (status, error_type(body)) == (400, "InvalidFunctionResponseMode")
        header = {"Lambda_Runtime_Function_Response_Mode": "streaming"}
        assert (await call("POST", "/invocation/an-id/response", b"1", **header))[0] == 202
        assert (await answer).payload == b"1"

    play(scene)


@pytest.mark.parametrize("failing", [False, True])
def test_snap_start(failing: bool) -> None:
    async def scene(api: RuntimeApi, call: Call) -> None:
        assert (await call("POST", "/restore/error", b"{}"))[0] == 403
        asking = asyncio.ensure_future(call("GET", "/restore/next"))
        await api.snapshotted.wait()
        assert not api.idle.is_set()
        api.restore()
        assert (await asking)[0] == 200
        if not failing:
            await take(api, call)
            return
        assert (await call("POST", "/restore/error", b'{"errorType": "ValueError"}'))[0] == 202
        assert api.restore_error is not None
        assert (api.restore_error.error_type, api.idle.is_set()) == ("ValueError", True)
        assert (await call("GET", "/invocation/next"))[0] == 403

    play(scene, snap_start=True)


@pytest.mark.parametrize("before", [True, False])
def test_an_event_that_a_dead_runtime_has_not_read(before: bool) -> None:
    """Its connection ends before the event is sent, or with the event unread."""

    async def scene(api: RuntimeApi, call: Call) -> None:
        host, _, port = call.address.rpartition(":")  # type: ignore[attr-defined]
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(f"GET {PREFIX}/invocation/next HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            await api.idle.wait()
            if before:
                connection.close()
                await api.disconnected.wait()
                assert not api.waits
                return
            answer = api.send_event(REQUEST)
            await asyncio.to_thread(select.select, [connection], [], [], 30)
        with pytest.raises(NotTaken):
            await asyncio.wait_for(answer, 30)

    play(scene)


def test_an_event_that_a_dead_runtime_has_read() -> None:
    async def scene(api: RuntimeApi, call: Call) -> None:
        _, answer = await take(api, call)
        await api.disconnected.wait()
        assert not answer.done()

    play(scene)


def test_paths_that_lambda_does_not_route() -> None:
    async def scene(api: RuntimeApi, call: Call) -> None:
        assert (await call("GET", "/restore/next"))[0] == 404
        assert (await call("POST", "/invocation/next"))[0] == 405

    play(scene)
