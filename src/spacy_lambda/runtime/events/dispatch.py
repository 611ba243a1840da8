"""Event -> whoever answers its kind, recognised by its shape.

A direct invocation, the commonest, is known by what it lacks, and imports nothing of the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import RequestError
from .protocol import EventSource, Function

__all__ = ["dispatch", "event_sources"]

MARKS = ("Records", "detail-type", "httpMethod", "key", "requestContext")
"""Keys of which every other kind has one, and no direct invocation any."""


def dispatch(event: Any, context: Any, function: Function) -> Any:
    """Answer an event.

    :raises RequestError: If it is of no kind that is known, or is a mistake of its caller's.
    """
    if not (isinstance(event, Mapping) and any(mark in event for mark in MARKS)):
        return function.answer(function.parse(event))
    sources = event_sources()
    for source in sources:
        if source.infer(event):
            return source.handle(event, context, function)
    tried = ", ".join(source.name for source in sources)
    raise RequestError(
        f"an event with {', '.join(repr(mark) for mark in MARKS if mark in event)} is of no known kind; tried: {tried}",
        remedy='send it as AWS does, or invoke the function with {"text": "..."}',
    )


def event_sources() -> tuple[EventSource, ...]:
    """Every kind but the direct invocation, in the order in which they are asked."""
    from .http.doors import DOORS

    return DOORS
