"""Cross-origin requests: refused, unless ``SPACY_LAMBDA_CORS`` names the page's origin.

The protocol: https://fetch.spec.whatwg.org/#http-cors-protocol. A Function URL and API Gateway can do it themselves;
then the setting stays empty, because two sets of headers are an error in every browser.
"""

from __future__ import annotations

from collections.abc import Mapping

from spacy_lambda.core.env_names import CORS_VARIABLE
from spacy_lambda.runtime.events.http.message import HttpRequest, HttpResponse

__all__ = ["allow_origin", "allowed_origins", "preflight"]

EXPOSED_HEADERS = "x-request-id, x-model-sha256"


def allowed_origins(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the origins that the setting names, separated by spaces or commas, as browsers write them."""
    return tuple(origin.rstrip("/").lower() for origin in environ.get(CORS_VARIABLE, "").replace(",", " ").split())


def allow_origin(response: HttpResponse, request: HttpRequest, environ: Mapping[str, str]) -> HttpResponse:
    """Add the header that lets the page read the response, if its origin is allowed."""
    allowed = allowed_origins(environ)
    origin = request.headers.get("origin", "")
    if "*" in allowed:
        return response.adding(access_control_allow_origin="*", access_control_expose_headers=EXPOSED_HEADERS)
    if not allowed:
        return response
    vary = ", ".join(filter(None, (response.headers.get("vary"), "origin")))
    if origin in allowed:
        response = response.adding(access_control_allow_origin=origin, access_control_expose_headers=EXPOSED_HEADERS)
    return response.adding(vary=vary)


def preflight(request: HttpRequest, environ: Mapping[str, str]) -> HttpResponse:
    """Respond to a browser's preflight request; without the setting, the browser then sends no request."""
    response = HttpResponse(204)
    if "access-control-allow-origin" not in allow_origin(response, request, environ).headers:
        return response
    return response.adding(
        access_control_allow_methods="GET, HEAD, POST",
        access_control_allow_headers="authorization, content-type, content-encoding, x-amz-date, x-amz-security-token",
        access_control_max_age="86400",
    )
