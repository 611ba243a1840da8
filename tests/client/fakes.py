"""Transports without a network, and a retry that does not wait."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

from spacy.language import Language

from spacy_lambda.client import Retry
from spacy_lambda.client.transport import CallError, to_json
from spacy_lambda.errors import InvokeError, RequestError
from spacy_lambda.runtime.predictor import Predictor


class Fake:
    """A transport that answers by a function, and records the requests."""

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
        """The number of texts of each request."""
        return [len(json.loads(body)["texts"]) for body in self.bodies]


def echo(event: dict[str, Any]) -> Any:
    """Return each text as its own answer."""

    def answer(text: str) -> Any:
        return dict.fromkeys(event["include"], text) if "include" in event else answer_to(text)

    return answer(event["text"]) if "text" in event else [answer(text) for text in event["texts"]]


def answer_to(text: str) -> list[dict[str, str]]:
    """Return the prediction of :func:`echo` for a text."""
    return [{"text": text}]


def texts_of(answers: Iterable[Any]) -> list[str]:
    """Return the texts of answers of :func:`echo`."""
    return [answer[0]["text"] for answer in answers]


def served(nlp: Language) -> Fake:
    """Return a transport to the runtime, without a Lambda."""
    function = Predictor(nlp, {})

    def answer(event: dict[str, Any]) -> Any:
        try:
            return json.loads(json.dumps(function.predict(function.parse(event))))
        except RequestError as exc:
            raise CallError(exc) from exc

    return Fake(answer)


def failing(failures: Iterable[CallError], then: Callable[[dict[str, Any]], Any] = echo) -> Fake:
    """Return a transport that fails once for each failure, and answers then."""
    left = iter(failures)

    def answer(event: dict[str, Any]) -> Any:
        failed = next(left, None)
        if failed is not None:
            raise failed
        return then(event)

    return Fake(answer)


def failed(message: str = "no luck", **how: Any) -> CallError:
    return CallError(InvokeError(message, remedy="none"), **how)


class Clock:
    """A clock that does not wait, and records how long it would have."""

    def __init__(self, jitter: float = 1.0, now: float = 0.0) -> None:
        self.waits: list[float] = []
        self._jitter, self._now = jitter, now

    def retry(self, **changes: Any) -> Retry:
        return Retry(sleep=self.waits.append, jitter=lambda: self._jitter, clock=lambda: self._now, **changes)
