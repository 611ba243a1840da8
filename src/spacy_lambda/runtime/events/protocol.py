"""What every kind of event is given, and has to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from spacy.language import Language

from ..answers import answer_all
from ..requests import Request, parse_request
from ..telemetry.observation import Observation

__all__ = ["EventSource", "Function"]


@dataclass(frozen=True)
class Function:
    """The function, as far as events need it: one shared path from a request to an answer.

    :param nlp: The loaded pipeline.
    :param environ: The environment variables.
    :param sha256: Identity of the pipeline's artifact, where it is known.
    :param observation: Gets what this invocation did.
    """

    nlp: Language
    environ: Mapping[str, str]
    sha256: str | None = None
    observation: Observation = field(default_factory=Observation)

    def parse(self, body: Any) -> Request:
        """Read a request, whatever brought it.

        :raises RequestError: If it is none.
        """
        return parse_request(body, max_length=self.nlp.max_length)

    def answer(self, request: Request) -> Any:
        """Answer a request."""
        return self.answer_all([request])[0]

    def answer_all(self, requests: Sequence[Request]) -> list[Any]:
        """Answer several requests, all their texts at once."""
        answers, counts = answer_all(self.nlp, requests)
        self.observation.texts.extend(counts)
        return answers


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
