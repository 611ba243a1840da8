"""API Gateway with payload format 1.0: REST APIs, and HTTP APIs that use it.

The shape: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from spacy_lambda.runtime.events.http.exchange import exchange, request_context
from spacy_lambda.runtime.events.http.message import lower_keys, to_text
from spacy_lambda.runtime.predictor import Predictor

__all__ = ["ApiGatewayEvent"]


class ApiGatewayEvent:
    """API Gateway's REST API, or its HTTP API with payload format 1.0."""

    name = "API Gateway, payload 1.0"

    def infer(self, event: Any) -> bool:
        return isinstance(event, Mapping) and "httpMethod" in event and "elb" not in request_context(event)

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        headers = {**lower_keys(event.get("headers")), **lower_keys(event.get("multiValueHeaders"))}
        path = unquote(str(event.get("path") or "/"))
        response = exchange(event, context, predictor, method=event["httpMethod"], path=path, headers=headers)
        body, is_base64 = to_text(response.body)
        return {
            "statusCode": response.status,
            "multiValueHeaders": {name: [value] for name, value in response.headers.items()},
            "body": body,
            "isBase64Encoded": is_base64,
        }
