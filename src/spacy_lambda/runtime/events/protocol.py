"""What every kind of event is given, and has to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from spacy.language import Language

from ..answers import answer
from ..requests import Request, parse_request

__all__ = ["EventSource", "Function"]


@dataclass(frozen=True)
class Function:
    """The function, as far as events need it: one shared path from a request to an answer.

    :param nlp: The loaded pipeline.
    :param environ: The environment variables.
    :param sha256: Identity of the pipeline's artifact, where it is known.
    """

    nlp: Language
    environ: Mapping[str, str]
    sha256: str | None = None

    def parse(self, body: Any) -> Request:
        """Read a request, whatever brought it.

        :raises RequestError: If it is none.
        """
        return parse_request(body, max_length=self.nlp.max_length)

    def answer(self, request: Request) -> Any:
        """Answer a request."""
        return answer(self.nlp, request)


class EventSource(Protocol):
    """One kind of event.

    :param name: As AWS calls it.
    """

    name: str

    def infer(self, event: Any) -> bool:
        """Whether this event is of this kind, by its shape; must not raise, whatever the event is."""
        ...

    def handle(self, event: Any, context: Any, function: Function) -> Any:
        """Answer it, in the form that its sender expects."""
        ...
