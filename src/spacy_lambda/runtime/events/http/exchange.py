"""An event of any HTTP integration -> the API's response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacy_lambda.core.lambda_limits import RESPONSE_BYTES
from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.events.http.api import respond, respond_to_error
from spacy_lambda.runtime.events.http.message import HttpRequest, HttpResponse, body_bytes, event_bytes, lower_keys
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.response_size import UNMEASURED_CHARACTERS, too_large

__all__ = ["exchange", "request_context"]


def exchange(
    event: Any,
    context: Any,
    predictor: Predictor,
    *,
    method: Any,
    path: str,
    headers: Any,
    limit: int = RESPONSE_BYTES,
) -> HttpResponse:
    """Respond to an event's HTTP request, with an error if the response is over the limit.

    :param limit: Maximum bytes of the response.
    """
    request_id = str(getattr(context, "aws_request_id", "") or request_context(event).get("requestId") or "")
    request = HttpRequest(str(method).upper(), _normal(path), lower_keys(headers), b"", request_id)
    try:
        body = body_bytes(event)
    except RequestError as exc:
        return respond_to_error(exc, request, predictor)
    response = respond(HttpRequest(request.method, request.path, request.headers, body, request_id), predictor)
    if len(response.body) < UNMEASURED_CHARACTERS or (size := event_bytes(response)) <= limit:
        return response
    return respond_to_error(too_large(f"the response has {size:,} bytes", limit), request, predictor)


def request_context(event: Mapping[str, Any]) -> Mapping[str, Any]:
    context = event.get("requestContext")
    return context if isinstance(context, Mapping) else {}


def _normal(path: str) -> str:
    return "/" + path.strip("/")
