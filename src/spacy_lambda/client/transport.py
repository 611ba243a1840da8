"""What the two ways to a function have in common."""

from __future__ import annotations

import json
from typing import Any, Protocol

__all__ = ["Transport", "to_json"]


class Transport(Protocol):
    """A way to one function; used by several threads at once."""

    def predict(self, body: bytes) -> Any:
        """Send a request once, as JSON, and give its answer.

        :raises CallFailed: When there is none.
        """
        ...

    def get(self, path: str) -> Any:
        """What the HTTP API answers to a ``GET``.

        :raises CallFailed: When there is no answer.
        """
        ...

    def cost(self, text: str) -> int:
        """Bytes that a text takes of what Lambda lets through at once.

        :raises UnicodeEncodeError: When it has half of a surrogate pair.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def to_json(value: Any) -> bytes:
    """A value as it is sent.

    :raises UnicodeEncodeError: When a string has half of a surrogate pair.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
