"""An event's path -> the path in the API, and the base path before it.

The base path is a stage, the key of a custom domain's mapping, the resource above ``/{proxy+}``, or what
``SPACY_LAMBDA_BASE_PATH`` names where the event does not show it: behind a load balancer or CloudFront, and below a
mapping of an HTTP API's ``$default`` route (https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mappings.html).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

from spacy_lambda.core.env_names import BASE_PATH_VARIABLE

__all__ = ["split_path", "without_stage"]

_BASE = re.compile(r"(?:/[\w.~-]+)*", re.ASCII)
_GREEDY = re.compile(r"\{([^{}]+)\+\}$")

_LOGGER = logging.getLogger(__name__)


def split_path(
    event: Mapping[str, Any],
    path: str,
    *,
    route: str,
    requested: str | None = None,
    environ: Mapping[str, str],
    known: Collection[str],
) -> tuple[str, str]:
    """Return the base path, ``""`` if there is none, and the path in the API.

    :param path: The event's path, without a stage.
    :param route: The resource of API Gateway that took the call, such as ``/ner/{proxy+}``; empty elsewhere.
    :param requested: The path that the caller requested; by default the event's.
    :param known: The paths of the API.
    """
    named = _read_base(environ.get(BASE_PATH_VARIABLE, ""))
    own = _without(_normal(_in_route(event, path, route)), named)
    if (
        own not in known and route and "{" not in route
    ):  # a resource for one path: "/ner/predict", or "/ner" for the page
        last = f"/{own.rpartition('/')[2]}"
        own = last if last in known else "/"
    end = own.rstrip("/")
    whole = _normal(requested or path).rstrip("/")
    base = whole.removesuffix(end) if whole.endswith(end) else ""
    return (base if base.endswith(named) else named), own


def without_stage(path: str, stage: Any) -> str:
    """Remove the stage, which HTTP APIs put before the path unless it is the default one."""
    return path if stage in (None, "$default") else _without(path, f"/{stage}")


@cache
def _read_base(value: str) -> str:
    """Read the setting; an invalid value is ignored and logged."""
    base = _normal(value.strip()).rstrip("/")
    if not _BASE.fullmatch(base):
        _LOGGER.warning("%s is ignored: %r is not a path such as /ner", BASE_PATH_VARIABLE, value[:200])
        return ""
    return base


def _in_route(event: Mapping[str, Any], path: str, route: str) -> str:
    """Return the part of the path that a route's last parameter matched, if it matches any number of steps."""
    greedy = _GREEDY.search(route)
    parameters = event.get("pathParameters")
    value = parameters.get(greedy[1]) if greedy and isinstance(parameters, Mapping) else None
    return unquote(value) if isinstance(value, str) else path


def _without(path: str, base: str) -> str:
    """Remove the base path; a proxy may have removed it already."""
    return _normal(path[len(base) :]) if path == base or path.startswith(f"{base}/") else path


def _normal(path: str) -> str:
    return "/" + path.strip("/")
