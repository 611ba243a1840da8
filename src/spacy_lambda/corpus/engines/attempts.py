"""Histories of the Map's child executions -> the attempts at shards that failed, and why.

Step Functions keeps the history of an execution for 90 days. The time of an attempt in it is about what Lambda bills.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.core.wire_errors import from_function_error

__all__ = ["Attempts", "Child", "read_child"]

THROTTLED = "Lambda.TooManyRequestsException"
"""The error of an attempt that Lambda refused, and does not bill."""

STARTED = "TaskStarted"
FAILED = ("TaskFailed", "TaskTimedOut")
ENDED = ("ExecutionFailed", "ExecutionTimedOut")
SHOWN_MESSAGE = 300
"""Characters of an error's message that are shown."""


@dataclass(frozen=True)
class Attempts:
    """Attempts at a shard that failed.

    :param invoked: Attempts for which Lambda invoked the function.
    :param throttled: Attempts that Lambda refused.
    :param seconds: Time of the attempts for which the function was invoked.
    """

    invoked: int = 0
    throttled: int = 0
    seconds: float = 0.0

    def plus(self, other: Attempts) -> Attempts:
        """Return the sum of two."""
        return Attempts(self.invoked + other.invoked, self.throttled + other.throttled, self.seconds + other.seconds)


@dataclass(frozen=True)
class Child:
    """A child execution, which annotates one shard.

    :param arn: Its ARN.
    :param shard: The shard's name.
    :param attempts: Its attempts that failed.
    :param error: The type of the error with which it ended, if it did.
    :param message: The error's message.
    :param remedy: The function's remedy, if it has one.
    """

    arn: str
    shard: str
    attempts: Attempts
    error: str | None = None
    message: str = ""
    remedy: str | None = None

    @classmethod
    def unknown(cls, arn: str) -> Self:
        """Return a child execution whose history was not read."""
        return cls(arn, "", Attempts())


def read_child(arn: str, events: Iterable[Mapping[str, Any]]) -> Child:
    """Return a child execution.

    :param events: Its history with the data, oldest first.
    """
    shard, invoked, throttled, seconds, began = "", 0, 0, 0.0, None
    end: Mapping[str, Any] | None = None
    for event in events:
        kind = str(event["type"])
        if kind == "ExecutionStarted":
            shard = _shard(event)
        elif kind == STARTED:
            began = event["timestamp"]
        elif kind in FAILED and _details(event).get("error") == THROTTLED:
            throttled += 1
        elif kind in FAILED:
            invoked += 1
            seconds += 0.0 if began is None else (event["timestamp"] - began).total_seconds()
        end = event if kind in ENDED else None
    attempts = Attempts(invoked, throttled, seconds)
    if end is None:
        return Child(arn, shard, attempts)
    details = _details(end)
    message, remedy = _cause(str(details.get("cause", "")))
    return Child(arn, shard, attempts, str(details.get("error", end["type"])), message, remedy)


def _shard(event: Mapping[str, Any]) -> str:
    """Return the name of the shard that is an execution's input."""
    try:
        return str(parse_json(event["executionStartedEventDetails"]["input"])["name"])
    except (ValueError, TypeError, KeyError):
        return ""


def _details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an event has besides its type and time: ``taskFailedEventDetails`` of a ``TaskFailed``, and so on."""
    kind = str(event["type"])
    found: Mapping[str, Any] = event.get(f"{kind[0].lower()}{kind[1:]}EventDetails") or {}
    return found


def _cause(text: str) -> tuple[str, str | None]:
    """Return the message and the remedy in the cause of a failed invocation."""
    try:
        message = str(parse_json(text)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return text[:SHOWN_MESSAGE], None
    error = from_function_error(message)
    return (error.message, error.remedy) if error is not None else (message[:SHOWN_MESSAGE], None)
