"""Values of options, for the command line too, which imports nothing else of this package before a command runs."""

from __future__ import annotations

from typing import Literal

__all__ = ["EngineName", "OnError"]

EngineName = Literal["local", "lambda", "ray"]
"""Engines."""

OnError = Literal["skip", "stop"]
"""Treatment of documents with an error."""
