"""Failed calls -> the errors that the user gets, and whether a retry or a smaller request may help."""

from __future__ import annotations

import re
from typing import Any

from spacy_lambda.client.response_body import BodyError
from spacy_lambda.client.service_failures import ServiceFailure
from spacy_lambda.client.transport import CallError
from spacy_lambda.core.wire_errors import from_function_error
from spacy_lambda.errors import InvokeError, RequestError, SpacyLambdaError

__all__ = [
    "CHECK",
    "CHECK_NAME",
    "DENIED",
    "TRANSIENT",
    "failed_text",
    "nothing_listens",
    "read_request_error",
    "renumbered",
    "status_error",
    "timed_out",
    "unusable_body",
]

CHECK = "check that the URL or the name is that of a function of spacy-lambda"

CHECK_NAME = "check the URL or the name, and the region"

TRANSIENT = frozenset({429, 500, 502, 503, 504})
"""HTTP statuses after which the same request may succeed."""

DENIED = (401, 403)

PLACE = re.compile(r"texts\[(\d+)\]")

PLAIN_KEY = re.compile(r'(?:unknown key \'(?P<unknown>\w+)\'|(?:the key )?"(?P<key>\w+(?:\[\d+\])?)")')
PLAIN_TOO_LARGE = re.compile(r".*; the limit is [\d,.]+|.* in the time that is left", re.DOTALL)


def read_request_error(text: str) -> RequestError:
    """Read the ``errorMessage`` of an invalid request."""
    return from_function_error(text) or _read_plain(text)


def _read_plain(text: str) -> RequestError:
    """Read an error of a function that was made before errors had fields, from its wording."""
    message, _, remedy = text.rpartition("; ")
    found = PLAIN_KEY.match(message)
    key = None if found is None else (found["key"] or found["unknown"])
    if key is not None and key.startswith("include["):
        key = "include"
    status = 413 if PLAIN_TOO_LARGE.match(message) else 400
    return RequestError(message or text, remedy=remedy if message else "check the request", key=key, status=status)


def failed_text(error: SpacyLambdaError) -> int | None:
    """Return the number of the text of a request that is refused, if the error has it."""
    found = PLACE.fullmatch(getattr(error, "key", None) or "")
    return None if found is None else int(found[1])


def renumbered(error: SpacyLambdaError, number: int, index: int) -> RequestError | InvokeError:
    """Return the same error with the texts' numbers in the user's input.

    :param number: The text's number in its request.
    :param index: Its number among all texts.
    """
    key = f"texts[{index}]"
    if not isinstance(error, RequestError):
        return InvokeError(f"{key}: {error.message}", remedy=error.remedy, key=key)
    moved = {old: _moved(old, index - number) for old in (*error.keys, error.key) if old}
    keys = "|".join(map(re.escape, moved))
    message = re.sub(keys, lambda found: moved[found[0]], error.message) if moved else error.message
    return RequestError(
        message, remedy=error.remedy, key=key, status=error.status, keys=[moved[old] for old in error.keys if old]
    )


def _moved(key: str, places: int) -> str:
    found = PLACE.fullmatch(key)
    return key if found is None else f"texts[{int(found[1]) + places}]"


def nothing_listens(endpoint: str) -> tuple[str, str]:
    """Return reason and remedy of a connection that this machine refused."""
    remedy = "start it with `spacy-lambda serve PIPELINE`, or check the endpoint"
    return f"nothing is listening at {endpoint}", remedy


def status_error(target: str, status: int, details: Any, *, failure: ServiceFailure | None = None) -> InvokeError:
    """Return the error for a request that was refused before it reached the function, or got no response of it.

    The details of 401 and 403 are left out: they may quote the headers of the request, including the session token.

    :param details: The refusal's text.
    :param failure: The failure that the status describes.
    """
    if failure is not None:
        return InvokeError(f"{target} {failure.message}", remedy=failure.remedy)
    if status in DENIED:
        return InvokeError(
            f"{target} denies access ({status})",
            remedy="check the URL, and that these credentials may invoke it; `aws sts get-caller-identity` shows "
            "whose they are: the function's `callers` must name those of another account",
        )
    if 300 <= status < 400:
        return InvokeError(f"{target} returned {status}, a redirect", remedy="give the URL to which it redirects")
    remedies = {404: CHECK_NAME, 413: "send fewer texts at once"}
    return InvokeError(
        f"{target} returned {status}: {str(details)[:200]}", remedy=remedies.get(status, "see the function's log")
    )


def timed_out(target: str, seconds: float) -> CallError:
    """Return the failure of a call whose time is up."""
    error = InvokeError(f"{target} did not respond in {seconds:g} s", remedy="give a higher timeout_s")
    return CallError(error, splittable=True)


def unusable_body(target: str, exc: BodyError) -> CallError:
    """Return the failure of a call whose response is too large or damaged."""
    remedy = "request less at once, or give a higher max_answer_bytes" if exc.too_large else CHECK
    error = InvokeError(f"{target} returned {exc}", remedy=remedy)
    return CallError(error, retryable=not exc.too_large, splittable=exc.too_large)
