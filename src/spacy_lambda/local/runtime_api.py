"""The server of the Runtime API for one environment: sends events, receives responses, and refuses the rest.

Each environment has a separate port: ``awslambdaric`` accepts ``AWS_LAMBDA_RUNTIME_API`` with a path for most calls,
but not for ``init/error``, so that a path could not identify environments.

:mod:`~spacy_lambda.local.runtime_state` has the valid calls.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spacy_lambda.core.lambda_limits import REQUEST_BYTES, RESPONSE_BYTES
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.local import lambda_errors
from spacy_lambda.local.connections import Peer
from spacy_lambda.local.http_request import BodyTooLarge, IncompleteBody, read_body
from spacy_lambda.local.messages import FunctionResponse, InvokeRequest
from spacy_lambda.local.runtime_state import Refused, RuntimeState, State

__all__ = ["HEADER_BYTES", "NotTaken", "RuntimeApi"]

HEADER_BYTES = 2 << 20
"""Maximum bytes of a call's headers: that of an error's cause, which has the message, may have 1 MB."""

_PREFIX = "/2018-06-01/runtime"
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
_RESPONSE_MODE = "Lambda-Runtime-Function-Response-Mode"
_VALID_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][A-Za-z]+")

Handler = Callable[[HttpRequest], Awaitable[Response]]


class NotTaken(Exception):
    """The runtime has ended before it had read the event, which another one may get."""


class RuntimeApi:
    """The Runtime API of one environment.

    ``idle`` is set while the runtime waits for an event, ``snapshotted`` when it waits for its restore, and both when
    it has failed.

    :param timeout_s: Sent to the runtime as the deadline of each event.
    :param snap_start: Route the calls of SnapStart.
    """

    def __init__(self, *, timeout_s: float, snap_start: bool = False) -> None:
        loop = asyncio.get_running_loop()
        self._timeout_s = self._left_s = timeout_s
        self._calls = RuntimeState(snap_start=snap_start)
        self._event: asyncio.Future[InvokeRequest] = loop.create_future()
        self._answer: asyncio.Future[FunctionResponse] = loop.create_future()
        self._restored: asyncio.Future[None] = loop.create_future()
        self._peer: Peer | None = None
        self.init_error: FunctionResponse | None = None
        self.restore_error: FunctionResponse | None = None
        self.idle = asyncio.Event()
        self.snapshotted = asyncio.Event()
        self.disconnected = asyncio.Event()
        self.began = 0.0
        self.ended = 0.0
        self.app = Starlette(
            routes=[
                _route("/invocation/next", self._next, "GET"),
                _route("/invocation/{id}/response", self._response, "POST"),
                _route("/invocation/{id}/error", self._error, "POST"),
                _route("/init/error", self._init_error, "POST"),
                _route("/restore/next", self._restore_next, "GET"),
                _route("/restore/error", self._restore_error, "POST"),
            ]
        )

    @property
    def waits(self) -> bool:
        """True if the runtime waits for an event on an open connection."""
        return self._calls.state is State.WAITING and not self.disconnected.is_set()

    def send_event(self, request: InvokeRequest, *, timeout_s: float | None = None) -> asyncio.Future[FunctionResponse]:
        """Send the next event to the runtime, which must be waiting for one.

        :param timeout_s: Seconds until its deadline, if they are fewer than usual.
        :returns: The response to come; :class:`NotTaken` if the runtime ends before it has read the event.
        """
        self._left_s = self._timeout_s if timeout_s is None else timeout_s
        self._answer = asyncio.get_running_loop().create_future()
        self.idle.clear()
        self.began = self.ended = time.perf_counter()
        self._calls.send(request.request_id, str(uuid.uuid4()))
        self._event.set_result(request)
        return self._answer

    def restore(self) -> None:
        """Let a runtime continue that waits after its snapshot."""
        self._calls.restore()
        if not self._restored.done():
            self._restored.set_result(None)

    def on_disconnect(self, peer: Peer, exc: BaseException | None) -> None:
        """Note the end of the connection of ``next``.

        A connection that ends with unread data in it is reset by the system.
        """
        if peer != self._peer:
            return
        self.disconnected.set()
        taken = not isinstance(exc, ConnectionError)
        if self._calls.state is State.RUNNING and not taken and not self._answer.done():
            self._answer.set_exception(NotTaken())

    def close(self) -> None:
        """Release a runtime that still waits for an event."""
        self._event.cancel()
        self._restored.cancel()

    async def _next(self, http: HttpRequest) -> Response:
        self._calls.next()
        self._event.cancel()  # of a runtime that closed its connection and calls again
        self._event = event = asyncio.get_running_loop().create_future()
        self._peer = None if http.client is None else (http.client.host, http.client.port)
        self.disconnected.clear()
        self.idle.set()
        try:
            request = await event
        except asyncio.CancelledError:
            return _error(410, "Runtime.Closed", "the environment is shutting down")
        self.began = time.perf_counter()
        return Response(request.payload, media_type="application/json", headers=self._event_headers(request))

    def _event_headers(self, request: InvokeRequest) -> dict[str, str]:
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._left_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": request.arn,
            "Lambda-Runtime-Trace-Id": request.trace_id,
            "Lambda-Runtime-Invocation-Id": self._calls.invocation_id,
        }
        if request.client_context:
            headers["Lambda-Runtime-Client-Context"] = request.client_context
        return headers

    async def _response(self, http: HttpRequest) -> Response:
        self._calls.check("response", *_ids(http))
        if http.headers.get(_RESPONSE_MODE, "streaming").lower() != "streaming":
            raise Refused(400, "InvalidFunctionResponseMode", f"Invalid function response mode {_RESPONSE_MODE}")
        try:
            body = await read_body(http, RESPONSE_BYTES)
        except BodyTooLarge as exc:
            self._finish("response", http, lambda_errors.response_too_large(exc.size, REQUEST_BYTES))
            text = f"Exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes)."
            raise Refused(413, "RequestEntityTooLarge", text) from exc
        except IncompleteBody as exc:
            raise Refused(400, "TruncatedHTTPRequest", str(exc)) from exc
        return self._finish("response", http, FunctionResponse(payload=body))

    async def _error(self, http: HttpRequest) -> Response:
        self._calls.check("error", *_ids(http))
        return self._finish("error", http, await _read_error(http))

    async def _init_error(self, http: HttpRequest) -> Response:
        self._calls.fail_init()
        self.init_error = await _read_error(http)
        self._fail()
        return _accepted()

    async def _restore_next(self, http: HttpRequest) -> Response:
        self._calls.snapshot()
        self.snapshotted.set()
        try:
            await asyncio.shield(self._restored)
        except asyncio.CancelledError:
            return _error(410, "Runtime.Closed", "the environment is shutting down")
        return Response(b"", media_type="application/json")

    async def _restore_error(self, http: HttpRequest) -> Response:
        self._calls.fail_restore()
        self.restore_error = await _read_error(http)
        self._fail()
        return _accepted()

    def _fail(self) -> None:
        self.idle.set()
        self.snapshotted.set()

    def _finish(self, call: str, http: HttpRequest, answer: FunctionResponse) -> Response:
        self._calls.answer(call, *_ids(http))
        self.ended = time.perf_counter()
        if not self._answer.done():
            self._answer.set_result(answer)
        return _accepted()


def _route(path: str, handler: Handler, method: str) -> Route:
    async def respond(http: HttpRequest) -> Response:
        try:
            return await handler(http)
        except Refused as exc:
            return _error(exc.status, exc.error_type, str(exc))

    return Route(_PREFIX + path, respond, methods=[method])


def _ids(http: HttpRequest) -> tuple[str, str | None]:
    return http.path_params["id"], http.headers.get("Lambda-Runtime-Invocation-Id")


async def _read_error(http: HttpRequest) -> FunctionResponse:
    """Read the error that a runtime reports; its type is in the body or in a header."""
    try:
        body = await read_body(http, RESPONSE_BYTES)
    except BodyTooLarge as exc:
        return lambda_errors.response_too_large(exc.size, REQUEST_BYTES)
    except IncompleteBody:
        body = b"{}"
    try:
        error_type = parse_json(body)["errorType"]
    except (ValueError, KeyError, TypeError):
        named = http.headers.get(_ERROR_TYPE, "")
        error_type = named if _VALID_ERROR_TYPE.fullmatch(named) else "Runtime.Unknown"
    return FunctionResponse(payload=body, error_type=str(error_type))


def _accepted() -> Response:
    return JSONResponse({"status": "OK"}, status_code=202)


def _error(status: int, error_type: str, message: str) -> Response:
    return JSONResponse({"errorType": error_type, "errorMessage": message}, status_code=status)
