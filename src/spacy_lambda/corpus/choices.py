"""Values of options, for the command line too, which imports nothing else of this package before a command runs."""

from __future__ import annotations

from typing import Literal

__all__ = ["HERE", "OUTPUT_FORMATS", "SOURCE_FORMATS", "EngineName", "OnError"]

EngineName = Literal["local", "lambda", "ray"]
"""Engines."""

OnError = Literal["skip", "stop"]
"""Treatment of documents with an error."""

OUTPUT_FORMATS = ("jsonl", "csv", "tsv", "parquet", "spacy")
"""Formats that are written."""

SOURCE_FORMATS = ("jsonl", "csv", "tsv", "tsv-unquoted", "parquet", "spacy", "text", "lines")
"""Formats that are read."""

HERE = "this machine"
"""The place of a sample that is not annotated by a function."""
