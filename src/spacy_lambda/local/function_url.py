"""A Function URL: any HTTP call becomes an event (payload format 2.0), and the function's response an HTTP response.

The rules: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html. There is no authentication;
:mod:`~spacy_lambda.local.access` refuses unknown host names and web pages.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from spacy_lambda.core.lambda_limits import REQUEST_BYTES
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import LocalLambdaError
from spacy_lambda.local.http_request import BodyTooLarge, IncompleteBody, InvalidHeader, read_body, read_trace_id
from spacy_lambda.local.messages import InvokeRequest, Outcome
from spacy_lambda.local.pool import PoolClosed, TooManyRequests
from spacy_lambda.local.settings import FunctionSettings
from spacy_lambda.local.snap_start import SnapStartFailed

__all__ = ["API_PATH", "FunctionUrl", "url_event", "url_response"]

API_PATH = re.compile(r"/20\d\d-\d\d-\d\d/")
"""Operations of Lambda's own API begin with the date of its version."""

TEXT = re.compile(r"text/|application/(.*\+)?(json|xml|javascript|x-www-form-urlencoded)\b")

_STATUSES = range(200, 600)
_WITHOUT_BODY = frozenset({204, 304})
HOP_BY_HOP_HEADERS = frozenset(
    {"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers of the connection; a function cannot set them."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"(?:[\x21-\x7e\xa0-\xff](?:[\t\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa0-\xff])?)?")


class FunctionUrl:
    """The URL of one function.

    :param settings: The function.
    :param invoke: Serves one request.
    """

    def __init__(self, settings: FunctionSettings, invoke: Callable[[InvokeRequest], Awaitable[Outcome]]) -> None:
        self._settings = settings
        self._invoke = invoke

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one call with any method."""
        response = await self._answer(HttpRequest(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, http: HttpRequest) -> Response:
        if API_PATH.match(http.url.path):
            raise HTTPException(404)
        request_id = str(uuid.uuid4())
        try:
            trace_id = read_trace_id(http.headers.get("X-Amzn-Trace-Id", ""))
            body = await read_body(http, REQUEST_BYTES)
            payload = json.dumps(url_event(http, body, request_id)).encode("utf-8")
            request = InvokeRequest(request_id=request_id, payload=payload, arn=self._settings.arn, trace_id=trace_id)
            outcome = await self._invoke(request)
        except (InvalidHeader, IncompleteBody) as exc:
            return _error_response(400, str(exc))
        except BodyTooLarge:
            return _error_response(413, "Request Too Long")
        except TooManyRequests:
            return _error_response(429, "Too Many Requests")
        except SnapStartFailed:
            return _error_response(502, "Internal Server Error")
        except (PoolClosed, LocalLambdaError):
            return _error_response(503, "Service Unavailable")
        response = url_response(outcome, method=http.method)
        response.headers["x-amzn-RequestId"] = request_id
        return response


def url_event(http: HttpRequest, body: bytes, request_id: str) -> dict[str, Any]:
    """Return the event for a call."""
    now, headers = datetime.now(UTC), _joined(http.headers.items())
    host = headers.get("host", "localhost")
    is_text = _is_text(headers, body)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": http.scope.get("raw_path", b"/").partition(b"?")[0].decode("latin-1"),
        "rawQueryString": http.url.query,
        "headers": {name: value for name, value in headers.items() if name != "cookie"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": host.partition(".")[0],
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": http.method,
                "path": http.url.path,
                "protocol": f"HTTP/{http.scope.get('http_version', '1.1')}",
                "sourceIp": http.client.host if http.client else "127.0.0.1",
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": f"{now:%d/%b/%Y:%H:%M:%S +0000}",
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": bool(body) and not is_text,
    }
    if http.query_params:
        event["queryStringParameters"] = _joined(http.query_params.multi_items())
    if "cookie" in headers:
        event["cookies"] = [part.strip() for part in headers["cookie"].split(";")]
    if body:
        text = body.decode("utf-8") if is_text else base64.b64encode(body).decode("ascii")
        event["body"] = text
    return event


def url_response(outcome: Outcome, *, method: str = "GET") -> Response:
    """Return the HTTP response for a function's response: 502 for one that HTTP cannot represent."""
    if outcome.response.error_type is not None:
        return _error_response(502, "Internal Server Error")
    try:
        answer = parse_json(outcome.response.payload)
        if not (isinstance(answer, dict) and "statusCode" in answer):
            return Response(outcome.response.payload, media_type="application/json")
        body = answer.get("body") or ""
        data = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode("utf-8")
        status = int(answer["statusCode"])
        if status not in _STATUSES:
            raise ValueError(status)
        response = Response(b"" if status in _WITHOUT_BODY else data, status_code=status)
        _check_length(answer.get("headers") or {}, data, may_differ=status in _WITHOUT_BODY or method == "HEAD")
        for name, value in (answer.get("headers") or {}).items():
            if name.lower() not in HOP_BY_HOP_HEADERS:
                response.headers[_sendable(_NAME, name)] = _sendable(_VALUE, str(value))
        for cookie in answer.get("cookies") or ():
            response.headers.append("set-cookie", _sendable(_VALUE, cookie))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return _error_response(502, "Internal Server Error")
    return response


def _check_length(headers: dict[str, Any], body: bytes, *, may_differ: bool) -> None:
    """Check the length that a function has given its body."""
    for name, value in headers.items():
        if name.lower() == "content-length" and not may_differ and str(value).strip() != str(len(body)):
            raise ValueError(value)


def _sendable(pattern: re.Pattern[str], text: str) -> str:
    """Check a part of a header."""
    if not pattern.fullmatch(text):
        raise ValueError(text)
    return text


def _is_text(headers: dict[str, str], body: bytes) -> bool:
    if "content-encoding" in headers or not TEXT.match(headers.get("content-type", "").lower()):
        return False
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _joined(pairs: Any) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _error_response(status: int, message: str) -> Response:
    return JSONResponse({"Message": message}, status_code=status)
