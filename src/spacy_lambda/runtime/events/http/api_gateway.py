"""API Gateway with payload format 1.0: REST APIs, and HTTP APIs that use it.

The shape: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from spacy_lambda.runtime.events.http.exchange import exchange, request_context
from spacy_lambda.runtime.events.http.message import lower_keys, to_text
from spacy_lambda.runtime.events.http.paths import without_stage
from spacy_lambda.runtime.predictor import Predictor

__all__ = ["ApiGatewayEvent"]


class ApiGatewayEvent:
    """API Gateway's REST API, or its HTTP API with payload format 1.0."""

    name = "API Gateway, payload 1.0"

    def matches(self, event: Any) -> bool:
        if not isinstance(event, Mapping) or "httpMethod" not in event:
            return False
        return "elb" not in request_context(event) and "actionGroup" not in event  # of a load balancer, of an agent

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        headers = {**lower_keys(event.get("headers")), **lower_keys(event.get("multiValueHeaders"))}
        path, sent = unquote(str(event.get("path") or "/")), request_context(event)
        if "version" in event:
            path = without_stage(path, sent.get("stage"))
        else:
            # A REST API decodes base64 only for its binaryMediaTypes, which the event does not name, and compresses
            # responses itself (minimumCompressionSize).
            headers.pop("accept-encoding", None)
        response = exchange(
            event,
            context,
            predictor,
            method=event["httpMethod"],
            path=path,
            headers=headers,
            route=str(event.get("resource") or ""),
            requested=unquote(str(sent.get("path") or event.get("path") or "/")),
        )
        body, is_base64 = to_text(response.body)
        return {
            "statusCode": response.status,
            "multiValueHeaders": {name: [value] for name, value in response.headers.items()},
            "body": body,
            "isBase64Encoded": is_base64,
        }
