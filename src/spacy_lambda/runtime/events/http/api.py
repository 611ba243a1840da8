"""The API: ``POST /predict``, ``GET /health``, ``/info`` and ``/openapi.json``; and ``GET /``, the page, if wanted."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from spacy_lambda.core.lambda_limits import REQUEST_BYTES, RESPONSE_BYTES
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.events.http.cors import allow_origin, preflight
from spacy_lambda.runtime.events.http.info import describe
from spacy_lambda.runtime.events.http.message import HttpRequest, HttpResponse, compressed, takes_gzip
from spacy_lambda.runtime.events.http.page_settings import has_page
from spacy_lambda.runtime.events.http.problems import problem, problem_of
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.response_size import GZIP_RATIO

__all__ = ["respond", "respond_to_error"]

JSON_TYPE = "application/json"

MAX_CHARACTER_BYTES = 12
"""Bytes of a character in JSON, as two escapes."""

OTHER_BYTES = 1 << 20
"""Bytes for everything else in a body."""

PAGE_REMEDY = "for the page, write page = true into spacy-lambda.toml, or set SPACY_LAMBDA_PAGE to on"

_LOGGER = logging.getLogger(__name__)


def respond(request: HttpRequest, predictor: Predictor) -> HttpResponse:
    """Respond to a request: an invalid one gets a 4xx with a remedy, an internal error a 500 without details."""
    if request.method == "OPTIONS":
        return _finished(preflight(request, predictor.environ), request, predictor)
    try:
        response = _routed(request, predictor)
    except RequestError as exc:
        return respond_to_error(exc, request, predictor)
    except Exception as exc:
        _LOGGER.exception("%s %s failed", request.method, request.path)
        predictor.observation.error = type(exc).__name__
        response = problem(500, "the function failed; see its log", request_id=request.id or None)
    return _finished(response, request, predictor)


def respond_to_error(error: RequestError, request: HttpRequest, predictor: Predictor) -> HttpResponse:
    """Return the response to an invalid request."""
    return _finished(problem_of(error), request, predictor)


def _routed(request: HttpRequest, predictor: Predictor) -> HttpResponse:
    routes = PAGE_ROUTES if has_page(predictor.environ) else ROUTES
    methods = routes.get(request.path)
    if methods is None:
        remedy = PAGE_REMEDY if request.path == "/" else None
        known = ", ".join(request.base + route for route in sorted(routes))
        return problem(
            404, f"unknown path {(request.base + request.path)[:100]!r}; known: {known[:400]}", remedy=remedy
        )
    method = "GET" if request.method == "HEAD" else request.method
    if method not in methods:
        allowed = ", ".join(sorted(methods))
        return problem(405, f"{(request.base + request.path)[-100:]} takes {allowed}").adding(allow=allowed)
    return methods[method](request, predictor)


def _predict(request: HttpRequest, predictor: Predictor) -> HttpResponse:
    kind = request.headers.get("content-type", JSON_TYPE).partition(";")[0].strip().lower()
    if kind != JSON_TYPE and not kind.endswith("+json"):
        raise RequestError(f"the body is {kind[:100]!r}", remedy=f"send {JSON_TYPE}", status=415)
    max_bytes = min(10 * REQUEST_BYTES, MAX_CHARACTER_BYTES * predictor.capacity.limits.total_characters + OTHER_BYTES)
    parsed = predictor.parse(_decoded(request.content(max_bytes)))
    packed = GZIP_RATIO if takes_gzip(request) else 1
    return _json(predictor.predict(parsed, response_bytes=packed * RESPONSE_BYTES))


def _health(request: HttpRequest, predictor: Predictor) -> HttpResponse:
    return _json({"status": "ok"}).adding(cache_control="no-store")


def _info(request: HttpRequest, predictor: Predictor) -> HttpResponse:
    return _json(describe(predictor))


def _openapi(request: HttpRequest, predictor: Predictor) -> HttpResponse:
    from spacy_lambda.runtime.events.http.openapi import openapi

    return _json(openapi(predictor, request.base))


def _page(request: HttpRequest, predictor: Predictor) -> HttpResponse:
    from spacy_lambda.runtime.page import page_response

    return page_response(predictor)


Route = Callable[[HttpRequest, Predictor], HttpResponse]

ROUTES: Mapping[str, Mapping[str, Route]] = {
    "/health": {"GET": _health},
    "/info": {"GET": _info},
    "/openapi.json": {"GET": _openapi},
    "/predict": {"POST": _predict},
}
PAGE_ROUTES: Mapping[str, Mapping[str, Route]] = {**ROUTES, "/": {"GET": _page}}


def _finished(response: HttpResponse, request: HttpRequest, predictor: Predictor) -> HttpResponse:
    """Add the headers of every response, and remove the body for HEAD."""
    if 400 <= response.status < 500:
        predictor.observation.error = RequestError.__name__
    if request.id:
        response = response.adding(x_request_id=request.id)
    if predictor.sha256:
        response = response.adding(x_model_sha256=predictor.sha256)
    response = response.adding(x_content_type_options="nosniff")
    response = allow_origin(compressed(response, request), request, predictor.environ)
    return HttpResponse(response.status, b"", response.headers) if request.method == "HEAD" else response


def _decoded(body: bytes) -> Any:
    try:
        return parse_json(body.decode("utf-8", "strict"))
    except ValueError as exc:
        raise RequestError(f"the body is not JSON: {exc}", remedy='send {"text": "..."}') from exc


def _json(content: Any) -> HttpResponse:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return HttpResponse(200, text.encode("utf-8"), {"content-type": JSON_TYPE})
