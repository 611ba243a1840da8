"""Application Load Balancers.

The shape: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from spacy_lambda.core.lambda_limits import ALB_RESPONSE_BYTES
from spacy_lambda.runtime.events.http.exchange import exchange, request_context
from spacy_lambda.runtime.events.http.message import to_text
from spacy_lambda.runtime.predictor import Predictor

__all__ = ["AlbEvent"]


class AlbEvent:
    """An Application Load Balancer, with or without multi-value headers."""

    name = "Application Load Balancer"

    def matches(self, event: Any) -> bool:
        return isinstance(event, Mapping) and "httpMethod" in event and "elb" in request_context(event)

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        multiple = "multiValueHeaders" in event
        headers = event.get("multiValueHeaders" if multiple else "headers")
        path = unquote(str(event.get("path") or "/"))
        response = exchange(
            event, context, predictor, method=event["httpMethod"], path=path, headers=headers, limit=ALB_RESPONSE_BYTES
        )
        body, is_base64 = to_text(response.body)
        returned = {
            "statusCode": response.status,
            "statusDescription": f"{response.status} {HTTPStatus(response.status).phrase}",
            "body": body,
            "isBase64Encoded": is_base64,
        }
        if multiple:
            return {**returned, "multiValueHeaders": {name: [value] for name, value in response.headers.items()}}
        return {**returned, "headers": dict(response.headers)}
