"""The protocol of an event source."""

from __future__ import annotations

from typing import Any, Protocol

from spacy_lambda.runtime.predictor import Predictor

__all__ = ["EventSource"]


class EventSource(Protocol):
    """A kind of event.

    :param name: AWS's name of it.
    """

    name: str

    def matches(self, event: Any) -> bool:
        """Return whether an event is of this kind, by its shape; must never raise."""
        ...

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        """Handle an event, and return what its sender expects."""
        ...
