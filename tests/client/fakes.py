"""Transports without a network, and a retry that does not wait."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

from spacy.language import Language

from spacy_lambda.client import Retry
from spacy_lambda.client.transport import CallFailed, to_json
from spacy_lambda.errors import InvokeError, RequestError
from spacy_lambda.runtime.predictor import Function


class Fake:
    """A transport that answers as it is told, and keeps what it was asked."""

    def __init__(self, answer: Callable[[dict[str, Any]], Any]) -> None:
        self.answer = answer
        self.bodies: list[bytes] = []
        self.closed = False
        self._lock = threading.Lock()

    def predict(self, body: bytes) -> Any:
        with self._lock:
            self.bodies.append(body)
        return self.answer(json.loads(body))

    def get(self, path: str) -> Any:
        return self.answer({"path": path})

    def cost(self, text: str) -> int:
        return len(to_json(text))

    def close(self) -> None:
        self.closed = True

    @property
    def sizes(self) -> list[int]:
        """How many texts each request had."""
        return [len(json.loads(body)["texts"]) for body in self.bodies]


def echo(event: dict[str, Any]) -> Any:
    """Each text as its own answer."""

    def answer(text: str) -> Any:
        return dict.fromkeys(event["include"], text) if "include" in event else said(text)

    return answer(event["text"]) if "text" in event else [answer(text) for text in event["texts"]]


def said(text: str) -> list[dict[str, str]]:
    """What :func:`echo` makes of a text."""
    return [{"text": text}]


def heard(answers: Iterable[Any]) -> list[str]:
    """The texts that :func:`echo` made these of."""
    return [answer[0]["text"] for answer in answers]


def served(nlp: Language) -> Fake:
    """The runtime without a Lambda around it."""
    function = Function(nlp, {})

    def answer(event: dict[str, Any]) -> Any:
        try:
            return json.loads(json.dumps(function.answer(function.parse(event))))
        except RequestError as exc:
            raise CallFailed(exc) from exc

    return Fake(answer)


def failing(failures: Iterable[CallFailed], then: Callable[[dict[str, Any]], Any] = echo) -> Fake:
    """Fails as often as there are failures, and answers then."""
    left = iter(failures)

    def answer(event: dict[str, Any]) -> Any:
        failed = next(left, None)
        if failed is not None:
            raise failed
        return then(event)

    return Fake(answer)


def failed(message: str = "no luck", **how: Any) -> CallFailed:
    return CallFailed(InvokeError(message, remedy="none"), **how)


class Clock:
    """Waits in no time, and keeps how long it would have been."""

    def __init__(self, jitter: float = 1.0, now: float = 0.0) -> None:
        self.waits: list[float] = []
        self._jitter, self._now = jitter, now

    def retry(self, **changes: Any) -> Retry:
        return Retry(sleep=self.waits.append, jitter=lambda: self._jitter, clock=lambda: self._now, **changes)
