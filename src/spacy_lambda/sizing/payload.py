"""The largest text that a function takes: computed from how request and response grow with it, and then tried."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from spacy_lambda.client.invocation import FunctionError
from spacy_lambda.client.service_failures import TIMED_OUT
from spacy_lambda.core.lambda_limits import REQUEST_BYTES, RESPONSE_BYTES
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import SizingError
from spacy_lambda.sizing.measurement import READ_LOG, Invoke
from spacy_lambda.sizing.texts import Texts
from spacy_lambda.sizing.verdict import LimitFinding, fails, ok, warning

__all__ = ["FirstRequestFailed", "Growth", "check_payload", "largest_text", "measure_growth", "text_of"]

INFO = {"rawPath": "/info", "headers": {}, "requestContext": {"http": {"method": "GET", "path": "/info"}}}
"""The event of a request for the function's metadata, with its own limits."""

SAMPLE_CHARACTERS = (500, 4000)
"""Lengths of the two texts by which the growth is measured."""

ATTEMPTS, SMALLER = 4, 0.8
NAME = "payload"


class FirstRequestFailed(SizingError):
    """The function's first request failed, so nothing is known of the texts that it takes.

    :param timed_out: Its timeout was the reason.
    """

    def __init__(self, message: str, *, remedy: str, timed_out: bool = False) -> None:
        super().__init__(message, remedy=remedy)
        self.timed_out = timed_out


@dataclass(frozen=True)
class Growth:
    """Bytes of a request or a response: those of an empty text, and more for each character."""

    base: float
    per_character: float

    def characters(self, limit: int) -> float:
        """Return the length of a text with this many bytes."""
        return (limit - self.base) / self.per_character if self.per_character > 0 else float("inf")


def check_payload(invoke: Invoke, texts: Texts) -> LimitFinding:
    """Compute the largest text, send it, and send smaller ones if that fails.

    :raises FirstRequestFailed: If the function fails before it gets a text.
    :raises SizingError: If it fails with a small text too.
    """
    own = _own_limit(invoke)
    growths = measure_growth(invoke, texts, own)
    size, reason = largest_text(*growths, own)
    failure = ""
    for attempt in range(ATTEMPTS):
        length = max(1, int(size * SMALLER**attempt))
        problem, seconds = _try(invoke, text_of(texts, length))
        if problem is None:
            found = f"a text of {length:,} characters is answered in {seconds:.1f} s"
            if not attempt:
                return ok(NAME, f"{found}; larger ones are refused: {reason}")
            return warning(
                NAME,
                f"{found}; one of {int(size):,} fails: {failure}",
                "send shorter texts, or raise memory or timeout",
            )
        failure = problem
    return fails(NAME, f"a text of {length:,} characters fails: {failure}", "raise memory or timeout")


def largest_text(request: Growth, response: Growth, own_limit: int) -> tuple[int, str]:
    """Return the characters of the largest text, and what limits it."""
    return min(
        (int(own_limit), f"the function's own limit is {own_limit:,} characters for a text"),
        (int(min(request.characters(REQUEST_BYTES), 1e12)), f"a request has at most {REQUEST_BYTES:,} bytes"),
        (int(min(response.characters(RESPONSE_BYTES), 1e12)), f"a response has at most {RESPONSE_BYTES:,} bytes"),
    )


def measure_growth(invoke: Invoke, texts: Texts, own_limit: int) -> tuple[Growth, Growth]:
    """Measure how request and response grow with the text."""
    lengths = [min(length, own_limit) for length in SAMPLE_CHARACTERS]
    sizes = [_sizes(invoke, text_of(texts, length)) for length in lengths]
    span = max(1, lengths[1] - lengths[0])
    found = []
    for small, large in zip(*sizes, strict=True):
        per_character = max(0.0, (large - small) / span)
        found.append(Growth(small - per_character * lengths[0], per_character))
    return found[0], found[1]


def text_of(texts: Texts, length: int) -> str:
    """Return a text of this length, of the sample's one after the other."""
    parts, size = list[str](), 0
    for text in cycle(texts.texts):
        parts.append(text)
        size += len(text) + 1
        if size > length:
            return " ".join(parts)[:length]
    return ""


def _own_limit(invoke: Invoke) -> int:
    """Return the characters that the function accepts in a text."""
    invocation = invoke(INFO)
    if invocation.error is not None:
        raise _first_request_failed(invocation.error)
    try:
        info: Mapping[str, Any] = parse_json(invocation.answer["body"])
        return int(info["limits"]["characters_per_text"])
    except (KeyError, TypeError, ValueError) as exc:
        raise SizingError(
            f"the function does not return its limits: {type(exc).__name__}: {exc}",
            remedy="bundle it with this version of spacy-lambda",
        ) from exc


def _first_request_failed(error: FunctionError) -> FirstRequestFailed:
    message = error.message if error.failure is None else error.failure.message
    return FirstRequestFailed(
        f"{error.error_type}: {message}",
        remedy=error.remedy or READ_LOG,
        timed_out=TIMED_OUT.search(error.message) is not None,
    )


def _sizes(invoke: Invoke, text: str) -> tuple[int, int]:
    event = {"text": text}
    invocation = invoke(event)
    if invocation.error is not None:
        raise SizingError(
            f"a text of {len(text):,} characters fails: {invocation.error.message}",
            remedy=invocation.error.remedy or "raise memory or timeout",
        )
    return _bytes(event), _bytes(invocation.answer)


def _try(invoke: Invoke, text: str) -> tuple[str | None, float]:
    """Return the problem of a text, and the seconds that it took."""
    invocation = invoke({"text": text})
    report = invocation.report
    seconds = 0.0 if report is None else report.duration_ms / 1000
    return (None if invocation.error is None else invocation.error.message.partition("\n")[0]), seconds


def _bytes(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())
