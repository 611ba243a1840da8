"""Lambda Function URLs, and API Gateway with payload format 2.0.

The shapes: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacy_lambda.runtime.events.http.exchange import exchange, request_context
from spacy_lambda.runtime.events.http.message import to_text
from spacy_lambda.runtime.predictor import Predictor

__all__ = ["FunctionUrlEvent"]


class FunctionUrlEvent:
    """A Function URL, or API Gateway's HTTP API (payload format 2.0)."""

    name = "Function URL or API Gateway, payload 2.0"

    def infer(self, event: Any) -> bool:
        return isinstance(event, Mapping) and isinstance(request_context(event).get("http"), Mapping)

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        http = request_context(event)["http"]
        path = _without_stage(str(event.get("rawPath") or http.get("path") or "/"), request_context(event).get("stage"))
        response = exchange(
            event, context, predictor, method=http.get("method"), path=path, headers=event.get("headers")
        )
        body, is_base64 = to_text(response.body)
        return {
            "statusCode": response.status,
            "headers": dict(response.headers),
            "body": body,
            "isBase64Encoded": is_base64,
        }


def _without_stage(path: str, stage: Any) -> str:
    """Remove the stage, which API Gateway puts before the path unless it is the default one."""
    prefix = f"/{stage}"
    if stage in (None, "$default") or not (path == prefix or path.startswith(f"{prefix}/")):
        return path
    return path[len(prefix) :]
