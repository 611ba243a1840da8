"""The server of the Invoke API, which boto3, the AWS CLI and every other client of Lambda use.

A function that fails is still HTTP 200 with ``X-Amz-Function-Error``; only a request that does not reach the
function gets an error status, with the type in ``x-amzn-ErrorType``, from which clients make their exceptions.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
import uuid
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from spacy_lambda.core.lambda_limits import ASYNC_REQUEST_BYTES, REQUEST_BYTES
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import LocalLambdaError
from spacy_lambda.local.async_invocation import invoke_until_success
from spacy_lambda.local.function_url import API_PATH
from spacy_lambda.local.http_request import (
    BodyTooLarge,
    IncompleteBody,
    InvalidHeader,
    read_body,
    read_client_context,
    read_trace_id,
)
from spacy_lambda.local.messages import InvokeRequest, Outcome
from spacy_lambda.local.pool import PoolClosed, TooManyRequests
from spacy_lambda.local.router import RoutedFunction, Router
from spacy_lambda.local.snap_start import SnapStartFailed

_QUALIFIER = re.compile(r"\$LATEST|[A-Za-z0-9_-]{1,128}")
_OWNER = r"(?:(?:arn:aws[\w-]*:lambda:[\w-]+:)?\d{12}:)?(?:function:)?"
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
RETRY_AFTER_S = "1"
"""The value of the header of a 429."""

_TYPES = ("RequestResponse", "Event", "DryRun")
_LOG_TYPES = ("None", "Tail")


class ServiceError(Exception):
    """A request that does not reach the function.

    :param status: The HTTP status.
    :param error_type: The name of the exception that clients raise.
    :param message: The cause.
    :param reason: The limit that was exceeded; for 429 only.
    """

    def __init__(self, status: int, error_type: str, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.reason = reason


class InvokeApi:
    """The Invoke API, which calls functions by their names, and their URLs on the same port.

    :param functions: The functions by the path of their URLs; one of them is ``/``.
    """

    def __init__(self, functions: Mapping[str, RoutedFunction]) -> None:
        self._functions = tuple(functions.values())
        self._router = Router(functions)
        self._background: set[asyncio.Task[None]] = set()
        self._turns = {
            function.settings.name: asyncio.Semaphore(max(function.settings.concurrency, 1))
            for function in self._functions
        }
        path = "/2015-03-31/functions/{name}/invocations"
        self.app = Starlette(
            routes=[
                Route(path, self._serve, methods=["POST"]),
                Route("/{path:path}", self._router),
            ],
            exception_handlers={HTTPException: _unknown_operation},
        )

    def origins(self, scope: Scope) -> tuple[str, ...] | None:
        """Return the origins whose pages may send a request: for a function's URL those of its setting, else none."""
        return None if API_PATH.match(scope["path"]) else self._router.origins(scope)

    async def _serve(self, http: HttpRequest) -> Response:
        request_id = str(uuid.uuid4())
        try:
            response = await self._answer(http, request_id)
        except ServiceError as exc:
            response = _error_response(exc)
        response.headers["x-amzn-RequestId"] = request_id
        return response

    async def _answer(self, http: HttpRequest, request_id: str) -> Response:
        function, qualifier = self._named(http)
        kind = _chosen(http, "X-Amz-Invocation-Type", _TYPES, field="invocationType")
        log_type = _chosen(http, "X-Amz-Log-Type", _LOG_TYPES, field="logType")
        trace_id, client_context = _passed_on(http)
        request = InvokeRequest(
            request_id=request_id,
            payload=await _read_event(http, kind),
            arn=function.settings.arn + (f":{qualifier}" if qualifier else ""),
            trace_id=trace_id,
            client_context=client_context,
        )
        if kind == "DryRun":
            return Response(status_code=204)
        if kind == "Event":
            self._start(function, request)
            return Response(status_code=202)
        outcome = await _outcome(function, request)
        return _function_answer(outcome, request, version=function.settings.version, log_tail=log_type == "Tail")

    def _named(self, http: HttpRequest) -> tuple[RoutedFunction, str]:
        """Return the function, and the version or alias that the caller specified, which all have the same code.

        A function is specified by its name, a partial or a full ARN, each with or without a qualifier.
        """
        path_name = http.path_params["name"]
        for function in self._functions:
            name = re.escape(function.settings.name)
            match = re.fullmatch(rf"{_OWNER}{name}(?::({_QUALIFIER.pattern}))?", path_name)
            if match is not None:
                return function, _qualifier(http.query_params.get("Qualifier") or "", match[1] or "")
        wanted = path_name if path_name.startswith("arn:") else f"function:{path_name}"
        raise ServiceError(404, "ResourceNotFoundException", f"Function not found: {wanted}")

    def _start(self, function: RoutedFunction, request: InvokeRequest) -> None:
        """Serve an asynchronous request; its outcome is only logged."""
        task = asyncio.create_task(invoke_until_success(function, request, turns=self._turns[function.settings.name]))
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _qualifier(parameter: str, of_name: str) -> str:
    """Return the qualifier of the query, or of the name, which must not differ."""
    if parameter and not _QUALIFIER.fullmatch(parameter):
        raise ServiceError(400, "InvalidParameterValueException", f"Value {parameter!r} at 'qualifier' is not valid")
    if parameter and of_name and parameter != of_name:
        raise ServiceError(
            400,
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    return parameter or of_name


def _chosen(http: HttpRequest, header: str, values: tuple[str, ...], *, field: str) -> str:
    """Return the value of a header, which has a few; by default the first one."""
    value = http.headers.get(header, values[0])
    if value not in values:
        raise ServiceError(
            400, "InvalidParameterValueException", f"Value {value!r} at {field!r} is not one of {', '.join(values)}"
        )
    return value


async def _outcome(function: RoutedFunction, request: InvokeRequest) -> Outcome:
    try:
        return await function.invoke(request)
    except TooManyRequests as exc:
        reason = f"{'ReservedFunction' if exc.reserved else ''}ConcurrentInvocationLimitExceeded"
        raise ServiceError(429, "TooManyRequestsException", "Rate Exceeded.", reason=reason) from exc
    except SnapStartFailed as exc:
        raise ServiceError(exc.status, exc.error_type, str(exc)) from exc
    except PoolClosed as exc:
        raise ServiceError(500, "ServiceException", "the local Lambda is shutting down") from exc
    except LocalLambdaError as exc:
        raise ServiceError(500, "ServiceException", f"{exc.message}; {exc.remedy}") from exc


async def _read_event(http: HttpRequest, kind: str) -> bytes:
    limit = ASYNC_REQUEST_BYTES if kind == "Event" else REQUEST_BYTES
    try:
        body = await read_body(http, limit) or b"{}"
    except IncompleteBody as exc:
        raise ServiceError(400, "InvalidRequestContentException", str(exc)) from exc
    except BodyTooLarge as exc:
        raise ServiceError(
            413,
            "RequestTooLargeException",
            f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
        ) from exc
    try:
        _refuse_surrogates(body, parse_json(body))
    except ValueError as exc:
        raise ServiceError(
            400, "InvalidRequestContentException", f"Could not parse request body into json: {exc}"
        ) from exc
    return body


def _refuse_surrogates(body: bytes, event: object) -> None:
    """Refuse a lone surrogate, which JSON can encode and UTF-8 cannot: AWS's runtime client would crash."""
    if _SURROGATE.search(body):
        json.dumps(event, ensure_ascii=False).encode("utf-8")


def _passed_on(http: HttpRequest) -> tuple[str, str]:
    """Return the trace id and the client context, as the function gets them."""
    try:
        trace_id = read_trace_id(http.headers.get("X-Amzn-Trace-Id", ""))
        return trace_id or _trace_id(), read_client_context(http.headers.get("X-Amz-Client-Context", ""))
    except InvalidHeader as exc:
        raise ServiceError(400, "InvalidRequestContentException", str(exc)) from exc


def _trace_id() -> str:
    return f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Parent={uuid.uuid4().hex[:16]};Sampled=0"


def _function_answer(outcome: Outcome, request: InvokeRequest, *, version: str, log_tail: bool) -> Response:
    headers = {"X-Amz-Executed-Version": version, "X-Amzn-Trace-Id": request.trace_id}
    if outcome.response.error_type is not None:
        headers["X-Amz-Function-Error"] = "Unhandled"
    if log_tail:
        headers["X-Amz-Log-Result"] = base64.b64encode(outcome.log_tail).decode("ascii")
    return Response(outcome.response.payload, media_type="application/json", headers=headers)


def _error_response(error: ServiceError) -> Response:
    body = {"Type": "User" if error.status < 500 else "Service", "Message": str(error)}
    body["message"] = body["Message"]  # Lambda's exceptions differ in this letter's case; clients accept both
    if error.reason is not None:
        body["Reason"] = error.reason
    headers = {"x-amzn-ErrorType": error.error_type}
    if error.status == 429:
        headers["Retry-After"] = RETRY_AFTER_S
    return JSONResponse(body, status_code=error.status, headers=headers)


async def _unknown_operation(http: HttpRequest, exc: Exception) -> Response:
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    message = f"{http.method} {http.url.path} is not an operation of the local Lambda"
    return _error_response(ServiceError(status, "UnknownOperationException", message))
