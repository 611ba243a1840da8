"""The contract of a transport: the way to one function."""

from __future__ import annotations

import json
from typing import Any, Protocol

from spacy_lambda.errors import SpacyLambdaError

__all__ = ["CallError", "Transport", "to_json"]


class Transport(Protocol):
    """A way to one function; used by several threads at once."""

    def predict(self, body: bytes) -> Any:
        """Send a request once, as JSON, and return the predictions.

        :param body: The request, as JSON.
        :raises CallError: If the call fails.
        """
        ...

    def get(self, path: str) -> Any:
        """Return the HTTP API's response to a ``GET``.

        :param path: The path, such as ``/info``.
        :raises CallError: If the call fails.
        """
        ...

    def cost(self, text: str) -> int:
        """Return the bytes of a text in a request, as Lambda counts them.

        :param text: The text.
        :raises UnicodeEncodeError: If it has a lone surrogate.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class CallError(Exception):
    """One failed call. It never reaches the user of the client; its error does.

    :param error: The error that the user gets.
    :param retryable: True if the same request may succeed later.
    :param splittable: True if a request with fewer texts may succeed.
    :param retry_after: The header of that name.
    """

    def __init__(
        self,
        error: SpacyLambdaError,
        *,
        retryable: bool = False,
        splittable: bool = False,
        retry_after: str | None = None,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.retryable = retryable
        self.splittable = splittable
        self.retry_after = retry_after


def to_json(value: Any) -> bytes:
    """Encode a value as it is sent.

    :raises UnicodeEncodeError: If a string has a lone surrogate.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
