"""The server of the Runtime API for one environment: sends events, receives responses, and refuses the rest.

Each environment has a separate port: ``awslambdaric`` accepts ``AWS_LAMBDA_RUNTIME_API`` with a path for most calls,
but not for ``init/error``, so that a path could not identify environments.

::

    starting ──next──▶ waiting ──event──▶ running ──response | error──▶ answered ──next──▶ waiting
        └──init/error──▶ failed
"""

from __future__ import annotations

import asyncio
import enum
import time
import uuid

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spacy_lambda.core.lambda_limits import REQUEST_BYTES, RESPONSE_BYTES
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.local import lambda_errors
from spacy_lambda.local.http_request import BodyTooLarge, IncompleteBody, read_body
from spacy_lambda.local.messages import FunctionResponse, InvokeRequest

_PREFIX = "/2018-06-01/runtime"
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"


class _State(enum.Enum):
    STARTING = "starting"
    WAITING = "waiting"
    RUNNING = "running"
    ANSWERED = "answered"
    FAILED = "failed"


class RuntimeApi:
    """The Runtime API of one environment.

    ``idle`` is set while the runtime waits for an event.

    :param timeout_s: Sent to the runtime as the deadline of each event.
    """

    def __init__(self, *, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._timeout_s = self._left_s = timeout_s
        self._state = _State.STARTING
        self._request_id = ""
        self._invocation_id = ""
        self._event: asyncio.Future[InvokeRequest] = loop.create_future()
        self._answer: asyncio.Future[FunctionResponse] = loop.create_future()
        self.init_error: FunctionResponse | None = None
        self.idle = asyncio.Event()
        self.began = 0.0
        self.ended = 0.0
        self.app = Starlette(
            routes=[
                Route(f"{_PREFIX}/invocation/next", self._next, methods=["GET"]),
                Route(f"{_PREFIX}/invocation/{{id}}/response", self._response, methods=["POST"]),
                Route(f"{_PREFIX}/invocation/{{id}}/error", self._error, methods=["POST"]),
                Route(f"{_PREFIX}/init/error", self._init_error, methods=["POST"]),
            ]
        )

    def send_event(self, request: InvokeRequest, *, timeout_s: float | None = None) -> asyncio.Future[FunctionResponse]:
        """Send the next event to the runtime, which must be waiting for one.

        :param timeout_s: Seconds until its deadline, if they are fewer than usual.
        :returns: The response to come.
        """
        self._left_s = self._timeout_s if timeout_s is None else timeout_s
        self._answer = asyncio.get_running_loop().create_future()
        self.idle.clear()
        self._event.set_result(request)
        self.began = self.ended = time.perf_counter()
        return self._answer

    def close(self) -> None:
        """Release a runtime that still waits for an event."""
        self._event.cancel()

    async def _next(self, _: HttpRequest) -> Response:
        if self._state not in {_State.STARTING, _State.ANSWERED, _State.WAITING}:
            return self._invalid_transition("next")
        self._event.cancel()  # of a runtime that closed its connection and calls again
        self._event = asyncio.get_running_loop().create_future()
        self._state = _State.WAITING
        self.idle.set()
        try:
            request = await self._event
        except asyncio.CancelledError:
            return _error(410, "Runtime.Closed", "the environment is shutting down")
        self._state = _State.RUNNING
        self._request_id = request.request_id
        self._invocation_id = str(uuid.uuid4())
        self.began = time.perf_counter()
        return Response(request.payload, media_type="application/json", headers=self._event_headers(request))

    def _event_headers(self, request: InvokeRequest) -> dict[str, str]:
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._left_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": request.arn,
            "Lambda-Runtime-Trace-Id": request.trace_id,
            "Lambda-Runtime-Invocation-Id": self._invocation_id,
        }
        if request.client_context:
            headers["Lambda-Runtime-Client-Context"] = request.client_context
        return headers

    async def _response(self, http: HttpRequest) -> Response:
        refused = self._refuse(http, "response")
        if refused is not None:
            return refused
        try:
            body = await read_body(http, RESPONSE_BYTES)
        except BodyTooLarge as exc:
            self._finish(lambda_errors.response_too_large(exc.size, REQUEST_BYTES))
            text = f"Exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes)."
            return _error(413, "RequestEntityTooLarge", text)
        except IncompleteBody as exc:
            return _error(400, "TruncatedHTTPRequest", str(exc))
        return self._finish(FunctionResponse(payload=body))

    async def _error(self, http: HttpRequest) -> Response:
        refused = self._refuse(http, "error")
        if refused is not None:
            return refused
        return self._finish(await _read_error(http))

    async def _init_error(self, http: HttpRequest) -> Response:
        if self._state is not _State.STARTING:
            return self._invalid_transition("init/error")
        error = await _read_error(http)
        self._state = _State.FAILED
        self.init_error = error
        self.idle.set()
        return _accepted()

    def _finish(self, answer: FunctionResponse) -> Response:
        self.ended = time.perf_counter()
        self._state = _State.ANSWERED
        if not self._answer.done():
            self._answer.set_result(answer)
        return _accepted()

    def _refuse(self, http: HttpRequest, call: str) -> Response | None:
        """Return the refusal of a response, or ``None`` if it is valid."""
        invocation_id = http.headers.get("Lambda-Runtime-Invocation-Id", self._invocation_id)
        if http.path_params["id"] != self._request_id or invocation_id != self._invocation_id:
            return _error(400, "InvalidRequestID", "Invalid request ID")
        if self._state is not _State.RUNNING:
            return self._invalid_transition(call)
        return None

    def _invalid_transition(self, call: str) -> Response:
        text = f"Transition from {self._state.value} to {call} is not allowed"
        return _error(403, "InvalidStateTransition", text)


async def _read_error(http: HttpRequest) -> FunctionResponse:
    """Read the error that a runtime reports; its type is in the body or in a header."""
    try:
        body = await read_body(http, RESPONSE_BYTES)
    except (BodyTooLarge, IncompleteBody):
        body = b"{}"
    try:
        error_type = parse_json(body)["errorType"]
    except (ValueError, KeyError, TypeError):
        error_type = http.headers.get(_ERROR_TYPE, "Runtime.Unknown")
    return FunctionResponse(payload=body, error_type=str(error_type))


def _accepted() -> Response:
    return JSONResponse({"status": "OK"}, status_code=202)


def _error(status: int, error_type: str, message: str) -> Response:
    return JSONResponse({"errorType": error_type, "errorMessage": message}, status_code=status)
