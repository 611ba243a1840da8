"""Values of options, for the command line too, which imports nothing else of this package before a command runs."""

from __future__ import annotations

from typing import Literal

__all__ = ["HERE", "EngineName", "OnError"]

EngineName = Literal["local", "lambda", "ray"]
"""Engines."""

OnError = Literal["skip", "stop"]
"""Treatment of documents with an error."""

HERE = "this machine"
"""The place of a sample that is not annotated by a function."""
