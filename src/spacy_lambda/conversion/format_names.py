"""Names of the formats, for the command line too, which imports nothing else of them before a command runs."""

from __future__ import annotations

__all__ = ["READ_FORMATS", "WRITTEN_FORMATS"]

READ_FORMATS = ("spacy", "brat", "conll", "bio", "biluo", "jsonl")
"""Formats that are read, in the order in which they are tried."""

WRITTEN_FORMATS = ("spacy", "brat", "conll", "bio", "biluo", "jsonl")
"""Formats that are written."""
