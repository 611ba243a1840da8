"""Lambda Function URLs, and API Gateway with payload format 2.0.

The shapes: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacy_lambda.runtime.events.http.exchange import exchange, request_context
from spacy_lambda.runtime.events.http.message import to_text
from spacy_lambda.runtime.events.http.paths import without_stage
from spacy_lambda.runtime.predictor import Predictor

__all__ = ["FunctionUrlEvent"]


class FunctionUrlEvent:
    """A Function URL, or API Gateway's HTTP API (payload format 2.0)."""

    name = "Function URL or API Gateway, payload 2.0"

    def matches(self, event: Any) -> bool:
        return isinstance(event, Mapping) and isinstance(request_context(event).get("http"), Mapping)

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        http = request_context(event)["http"]
        requested = str(event.get("rawPath") or http.get("path") or "/")
        response = exchange(
            event,
            context,
            predictor,
            method=http.get("method"),
            path=without_stage(requested, request_context(event).get("stage")),
            headers=event.get("headers"),
            route=str(event.get("routeKey") or "").partition(" ")[2],
            requested=requested,
        )
        body, is_base64 = to_text(response.body)
        return {
            "statusCode": response.status,
            "headers": dict(response.headers),
            "body": body,
            "isBase64Encoded": is_base64,
        }
