"""Errors as RFC 9457 has them: ``application/problem+json``."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.events.http.message import HttpResponse

__all__ = ["PROBLEM_TYPE", "problem", "problem_of"]

PROBLEM_TYPE = "application/problem+json"


def problem(status: int, detail: str, **more: Any) -> HttpResponse:
    """An error's answer.

    :param detail: What happened, and what to do about it.
    :param more: Further members.
    """
    members = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    text = json.dumps({**members, **{key: value for key, value in more.items() if value is not None}})
    return HttpResponse(status, text.encode("ascii"), {"content-type": PROBLEM_TYPE})


def problem_of(error: RequestError) -> HttpResponse:
    """The answer to a caller's mistake."""
    keys = list(error.keys) or None
    return problem(error.status, error.message, remedy=error.remedy, key=error.key, keys=keys)
