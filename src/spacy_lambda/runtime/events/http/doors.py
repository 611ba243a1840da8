"""The four ways in which AWS hands an HTTP call to a function.

The shapes: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (Function URLs; payload format 2.0),
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html (1.0 and 2.0),
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from spacy_lambda.core.lambda_limits import ALB_RESPONSE_BYTES, RESPONSE_BYTES
from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.events.http.api import respond, respond_to_mistake
from spacy_lambda.runtime.events.http.message import (
    HttpRequest,
    HttpResponse,
    body_bytes,
    event_bytes,
    lower_keys,
    to_text,
)
from spacy_lambda.runtime.predictor import Function
from spacy_lambda.runtime.response_size import SMALL, too_large

__all__ = ["DOORS", "AlbEvent", "ApiGatewayEvent", "FunctionUrlEvent"]


class FunctionUrlEvent:
    """A Function URL, or API Gateway's HTTP API (payload format 2.0)."""

    name = "Function URL or API Gateway, payload 2.0"

    def infer(self, event: Any) -> bool:
        return isinstance(event, Mapping) and isinstance(_context(event).get("http"), Mapping)

    def handle(self, event: Any, context: Any, function: Function) -> Any:
        http = _context(event)["http"]
        path = _without_stage(str(event.get("rawPath") or http.get("path") or "/"), _context(event).get("stage"))
        response = _call(event, context, function, method=http.get("method"), path=path, headers=event.get("headers"))
        body, is_base64 = to_text(response.body)
        return {
            "statusCode": response.status,
            "headers": dict(response.headers),
            "body": body,
            "isBase64Encoded": is_base64,
        }


class ApiGatewayEvent:
    """API Gateway's REST API, or its HTTP API with payload format 1.0."""

    name = "API Gateway, payload 1.0"

    def infer(self, event: Any) -> bool:
        return isinstance(event, Mapping) and "httpMethod" in event and "elb" not in _context(event)

    def handle(self, event: Any, context: Any, function: Function) -> Any:
        headers = {**lower_keys(event.get("headers")), **lower_keys(event.get("multiValueHeaders"))}
        path = unquote(str(event.get("path") or "/"))
        response = _call(event, context, function, method=event["httpMethod"], path=path, headers=headers)
        body, is_base64 = to_text(response.body)
        return {
            "statusCode": response.status,
            "multiValueHeaders": {name: [value] for name, value in response.headers.items()},
            "body": body,
            "isBase64Encoded": is_base64,
        }


class AlbEvent:
    """An Application Load Balancer, with or without multi-value headers."""

    name = "Application Load Balancer"

    def infer(self, event: Any) -> bool:
        return isinstance(event, Mapping) and "httpMethod" in event and "elb" in _context(event)

    def handle(self, event: Any, context: Any, function: Function) -> Any:
        multiple = "multiValueHeaders" in event
        headers = event.get("multiValueHeaders" if multiple else "headers")
        path = unquote(str(event.get("path") or "/"))
        response = _call(
            event, context, function, method=event["httpMethod"], path=path, headers=headers, limit=ALB_RESPONSE_BYTES
        )
        body, is_base64 = to_text(response.body)
        answer = {
            "statusCode": response.status,
            "statusDescription": f"{response.status} {HTTPStatus(response.status).phrase}",
            "body": body,
            "isBase64Encoded": is_base64,
        }
        if multiple:
            return {**answer, "multiValueHeaders": {name: [value] for name, value in response.headers.items()}}
        return {**answer, "headers": dict(response.headers)}


DOORS = (FunctionUrlEvent(), ApiGatewayEvent(), AlbEvent())


def _call(
    event: Any,
    context: Any,
    function: Function,
    *,
    method: Any,
    path: str,
    headers: Any,
    limit: int = RESPONSE_BYTES,
) -> HttpResponse:
    """Everything that the doors have in common.

    :param limit: Bytes that the door takes back.
    """
    request_id = str(getattr(context, "aws_request_id", "") or _context(event).get("requestId") or "")
    request = HttpRequest(str(method).upper(), _normal(path), lower_keys(headers), b"", request_id)
    try:
        body = body_bytes(event)
    except RequestError as exc:
        return respond_to_mistake(exc, request, function)
    response = respond(HttpRequest(request.method, request.path, request.headers, body, request_id), function)
    if len(response.body) < SMALL or (size := event_bytes(response)) <= limit:
        return response
    return respond_to_mistake(too_large(f"the answer has {size:,} bytes", limit), request, function)


def _context(event: Mapping[str, Any]) -> Mapping[str, Any]:
    context = event.get("requestContext")
    return context if isinstance(context, Mapping) else {}


def _without_stage(path: str, stage: Any) -> str:
    """API Gateway puts the stage before the path, unless it is the default one."""
    prefix = f"/{stage}"
    if stage in (None, "$default") or not (path == prefix or path.startswith(f"{prefix}/")):
        return path
    return path[len(prefix) :]


def _normal(path: str) -> str:
    return "/" + path.strip("/")
