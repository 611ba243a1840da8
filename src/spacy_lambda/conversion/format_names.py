"""Names of the formats, for the command line too, which imports nothing else of them before a command runs."""

from __future__ import annotations

__all__ = ["FORMAT_NAMES"]

FORMAT_NAMES = (
    "spacy",
    "parquet",
    "brat",
    "webanno",
    "csv",
    "csv-tokens",
    "conll",
    "bio",
    "biluo",
    "jsonl-tokens",
    "label-studio",
    "ubiai",
    "prodigy",
    "doccano",
    "jsonl",
)
"""Formats, which are read and written, in the order in which they are tried."""
