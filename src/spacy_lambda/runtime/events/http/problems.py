"""Error responses of RFC 9457: ``application/problem+json``."""

from __future__ import annotations

import json
from typing import Any

from spacy_lambda.core.wire_errors import problem_members, to_problem
from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.events.http.message import HttpResponse

__all__ = ["PROBLEM_TYPE", "problem", "problem_of"]

PROBLEM_TYPE = "application/problem+json"


def problem(status: int, detail: str, **more: Any) -> HttpResponse:
    """Return an error response.

    :param detail: The problem and its remedy.
    :param more: Further members; those that are ``None`` are left out.
    """
    return _response(
        {**problem_members(status, detail), **{key: value for key, value in more.items() if value is not None}}
    )


def problem_of(error: RequestError) -> HttpResponse:
    """Return the response to a caller's error."""
    return _response(to_problem(error))


def _response(members: dict[str, Any]) -> HttpResponse:
    return HttpResponse(members["status"], json.dumps(members).encode("ascii"), {"content-type": PROBLEM_TYPE})
