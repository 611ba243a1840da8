"""The two forms in which a ``RequestError`` leaves a function, and how a client reads them.

Lambda's Invoke API carries an error as one string, ``errorMessage``. It gets two lines: the message and the remedy for
people, and the same as JSON for programs::

    "texts[3]" is a number, not a string; send a string
    {"message": "\\"texts[3]\\" is a number, not a string", "remedy": "send a string", "key": "texts[3]", "status": 400}

HTTP has ``application/problem+json`` (RFC 9457), in which the message is called ``detail``. Either way the fields are
those of :class:`~spacy_lambda.errors.RequestError`, so clients do not depend on the wording of a message.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import RequestError

__all__ = ["from_function_error", "from_problem", "problem_members", "to_function_error", "to_problem"]


def to_function_error(error: RequestError) -> str:
    """Return the ``errorMessage`` of an error, without parts of the event: Lambda logs it, too."""
    error = error.loggable
    fields = json.dumps({"message": error.message, **_fields(error)})
    # Clients that do not know the second line split the whole at its last semicolon.
    return f"{error}\n" + fields.replace(";", "\\u003b")


def from_function_error(text: str) -> RequestError | None:
    """Parse an ``errorMessage``; ``None`` if it has no fields."""
    return _error(text.rpartition("\n")[2], message="message")


def to_problem(error: RequestError) -> dict[str, Any]:
    """Return the members of an error's problem."""
    return problem_members(error.status, error.message) | _fields(error)


def problem_members(status: int, detail: str) -> dict[str, Any]:
    """Return the members that every problem has."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def from_problem(body: bytes) -> RequestError | None:
    """Read a problem; ``None`` if it is not a caller's error."""
    return _error(body, message="detail")


def _fields(error: RequestError) -> dict[str, Any]:
    fields: dict[str, Any] = {"remedy": error.remedy, "key": error.key, "status": error.status, "keys": error.keys}
    return {name: value for name, value in fields.items() if value not in (None, ())}


def _error(text: str | bytes, *, message: str) -> RequestError | None:
    try:
        fields = parse_json(text)
        detail, remedy, status = fields[message], fields["remedy"], fields["status"]
        key, keys = fields.get("key"), fields.get("keys", [])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    texts = [detail, remedy, *([] if key is None else [key]), *(keys if isinstance(keys, list) else [None])]
    if not all(isinstance(one, str) for one in texts) or type(status) is not int or not 400 <= status < 500:
        return None
    return RequestError(detail, remedy=remedy, key=key, status=status, keys=keys)
