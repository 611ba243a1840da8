"""An event of any HTTP integration -> the API's response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from spacy_lambda.core.lambda_limits import RESPONSE_BYTES
from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.events.http.api import PAGE_ROUTES, respond, respond_to_error
from spacy_lambda.runtime.events.http.message import HttpRequest, HttpResponse, body_bytes, event_bytes, lower_keys
from spacy_lambda.runtime.events.http.paths import split_path
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
    route: str = "",
    requested: str | None = None,
    limit: int = RESPONSE_BYTES,
) -> HttpResponse:
    """Respond to an event's HTTP request, with an error if the response is over the limit.

    :param path: The event's path, without a stage.
    :param route: The resource of API Gateway that took the call.
    :param requested: The path that the caller requested; by default the event's.
    :param limit: Maximum bytes of the response.
    """
    request_id = str(getattr(context, "aws_request_id", "") or request_context(event).get("requestId") or "")
    base, path = split_path(event, path, route=route, requested=requested, environ=predictor.environ, known=PAGE_ROUTES)
    request = HttpRequest(str(method).upper(), path, lower_keys(headers), b"", request_id, base)
    try:
        body = body_bytes(event)
    except RequestError as exc:
        return respond_to_error(exc, request, predictor)
    response = respond(replace(request, body=body), predictor)
    if len(response.body) < UNMEASURED_CHARACTERS or (size := event_bytes(response)) <= limit:
        return response
    return respond_to_error(too_large(f"the response has {size:,} bytes", limit), request, predictor)


def request_context(event: Mapping[str, Any]) -> Mapping[str, Any]:
    context = event.get("requestContext")
    return context if isinstance(context, Mapping) else {}
