"""Action groups of Amazon Bedrock's agents, defined by an API schema or by function details.

The shapes: https://docs.aws.amazon.com/bedrock/latest/userguide/agents-lambda.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from spacy_lambda.core.lambda_limits import AGENT_RESPONSE_BYTES
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.runtime.events.http.api import respond, respond_to_error
from spacy_lambda.runtime.events.http.message import HttpRequest, HttpResponse
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.response_size import too_large

__all__ = ["BedrockAgentEvent"]

JSON_TYPE = "application/json"
ATTRIBUTES = ("sessionAttributes", "promptSessionAttributes", "knowledgeBasesConfiguration")


class BedrockAgentEvent:
    """An agent's call of an operation of the API, or of a function, which is a prediction."""

    name = "Bedrock agent"

    def matches(self, event: Any) -> bool:
        return isinstance(event, Mapping) and "actionGroup" in event and ("apiPath" in event or "function" in event)

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        """Handle a call; its parameters are the keys of a request."""
        response = _respond(event, str(getattr(context, "aws_request_id", "") or ""), predictor)
        body, is_api = response.body.decode(), "apiPath" in event
        named = ("actionGroup", "apiPath", "httpMethod") if is_api else ("actionGroup", "function")
        # As strings, which they are: a number without JSON would make the response invalid.
        answer: dict[str, Any] = {key: None if event.get(key) is None else str(event[key]) for key in named}
        if is_api:
            answer |= {"httpStatusCode": response.status, "responseBody": {JSON_TYPE: {"body": body}}}
        else:
            state = (
                {} if response.status < 400 else {"responseState": "REPROMPT" if response.status < 500 else "FAILURE"}
            )
            answer["functionResponse"] = {**state, "responseBody": {"TEXT": {"body": body}}}
        kept = {key: event[key] for key in ATTRIBUTES if key in event}
        return {"messageVersion": event.get("messageVersion", "1.0"), "response": answer, **kept}


def _respond(event: Mapping[str, Any], request_id: str, predictor: Predictor) -> HttpResponse:
    body = json.dumps(dict(_parameters(event))).encode("ascii")
    method, path = str(event.get("httpMethod", "POST")).upper(), str(event.get("apiPath", "/predict"))
    request = HttpRequest(method, path, {"content-type": JSON_TYPE}, body, request_id)
    response = respond(request, predictor)
    if len(response.body) <= AGENT_RESPONSE_BYTES:
        return response
    error = too_large(f"the response has {len(response.body):,} bytes", AGENT_RESPONSE_BYTES)
    return respond_to_error(error, request, predictor)


def _parameters(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of all parameters: every value is sent as a string, with its type."""
    found = [event.get("parameters")]
    content = event.get("requestBody")
    bodies = content.get("content") if isinstance(content, Mapping) else None
    if isinstance(bodies, Mapping):
        found += [body.get("properties") for body in bodies.values() if isinstance(body, Mapping)]
    for parameters in found:
        for one in parameters if isinstance(parameters, list) else ():
            if isinstance(one, Mapping) and "name" in one:
                yield str(one["name"]), _value(one.get("value"), one.get("type"))


def _value(value: Any, kind: Any) -> Any:
    if kind in (None, "string") or not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ValueError:
        return value
