"""What comes of a call that brings no answer: the caller's error, and what may help."""

from __future__ import annotations

import re
from typing import Any

from spacy_lambda.client.response_body import BodyError
from spacy_lambda.core.wire_errors import from_function_error
from spacy_lambda.errors import InvokeError, RequestError, SpacyLambdaError

__all__ = [
    "CHECK",
    "DENIED",
    "TRANSIENT",
    "CallFailed",
    "named",
    "out_of_time",
    "refused",
    "request_error",
    "text_at_fault",
    "unusable",
]

CHECK = "check that the URL or the name is that of a function of spacy-lambda"

TRANSIENT = frozenset({429, 500, 502, 503, 504})
"""HTTP statuses after which the same request may succeed."""

KEY = re.compile(r'(?:unknown key \'(?P<unknown>\w+)\'|(?:the key )?"(?P<key>\w+(?:\[\d+\])?)")')
PLACE = re.compile(r"texts\[(\d+)\]")
TOO_LARGE = re.compile(r".*; the limit is [\d,.]+|.* in the time that is left", re.DOTALL)
DENIED = (401, 403)


class CallFailed(Exception):
    """One call failed. It never reaches the user of the client; its error does.

    :param error: What the user is to see.
    :param again: Whether the same request may succeed later.
    :param smaller: Whether a request with fewer texts may succeed.
    :param retry_after: The header of that name.
    """

    def __init__(
        self, error: SpacyLambdaError, *, again: bool = False, smaller: bool = False, retry_after: str | None = None
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.again = again
        self.smaller = smaller
        self.retry_after = retry_after


def request_error(text: str) -> RequestError:
    """Read the ``errorMessage`` of a caller's mistake."""
    return from_function_error(text) or _from_plain_text(text)


def _from_plain_text(text: str) -> RequestError:
    """Read a mistake from the wording of functions that were made before it had fields."""
    message, _, remedy = text.rpartition("; ")
    found = KEY.match(message)
    key = None if found is None else (found["key"] or found["unknown"])
    if key is not None and key.startswith("include["):
        key = "include"
    status = 413 if TOO_LARGE.match(message) else 400
    return RequestError(message or text, remedy=remedy if message else "check the request", key=key, status=status)


def text_at_fault(error: SpacyLambdaError) -> int | None:
    """Which of the texts of a request is refused, where the error says it."""
    found = PLACE.fullmatch(getattr(error, "key", None) or "")
    return None if found is None else int(found[1])


def named(error: SpacyLambdaError, place: int, index: int) -> SpacyLambdaError:
    """The same error, of the text that the user knows by another number.

    :param place: The text's number in its request.
    :param index: Its number among all texts.
    """
    key = f"texts[{index}]"
    if not isinstance(error, RequestError):
        return InvokeError(f"{key}: {error.message}", remedy=error.remedy, key=key)
    moved = {old: _moved(old, index - place) for old in (*error.keys, error.key) if old}
    anywhere = "|".join(map(re.escape, moved))
    message = re.sub(anywhere, lambda found: moved[found[0]], error.message) if moved else error.message
    keys = [moved[old] for old in error.keys if old]
    return RequestError(message, remedy=error.remedy, key=key, status=error.status, keys=keys)


def _moved(key: str, places: int) -> str:
    found = PLACE.fullmatch(key)
    return key if found is None else f"texts[{int(found[1]) + places}]"


def refused(what: str, status: int, said: Any) -> InvokeError:
    """Whoever stands before the function refused a request.

    What comes with 401 and 403 is not repeated: it may quote the headers of the request, the session token too.

    :param said: The refusal's text.
    """
    if status in DENIED:
        return InvokeError(
            f"{what} denies access ({status})",
            remedy="check the URL, and that these credentials may invoke it; "
            "`aws sts get-caller-identity` shows whose they are",
        )
    if 300 <= status < 400:
        return InvokeError(f"{what} answered {status}: it is elsewhere", remedy="give the URL to which it redirects")
    remedies = {
        404: "check the URL or the name, and the region",
        413: "send fewer texts at once",
        429: "try again later, or raise the function's concurrency",
    }
    return InvokeError(
        f"{what} answered {status}: {str(said)[:200]}", remedy=remedies.get(status, "see the function's log")
    )


def out_of_time(what: str, seconds: float) -> CallFailed:
    """A call's time is up."""
    error = InvokeError(f"{what} did not answer in {seconds:g} s", remedy="give a higher timeout_s")
    return CallFailed(error, smaller=True)


def unusable(what: str, exc: BodyError) -> CallFailed:
    """An answer that is too large, or broken on its way."""
    remedy = "ask for less at once, or give a higher max_answer_bytes" if exc.too_large else CHECK
    return CallFailed(
        InvokeError(f"{what} answered {exc}", remedy=remedy), again=not exc.too_large, smaller=exc.too_large
    )
