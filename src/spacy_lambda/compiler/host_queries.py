"""Queries of a compiled pipeline on an emulated CPU; see :mod:`spacy_lambda.packages.isolation`."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

# First, so that spaCy is imported without its command line.
from spacy_lambda.runtime.loading import load_pipeline  # isort: skip
from spacy.language import Language

__all__ = ["load", "query"]


def load(pipeline: Path) -> Language:
    """Load the pipeline as the function does."""
    return load_pipeline(pipeline)


def query(nlp: Language, request: dict[str, Any]) -> dict[str, Any]:
    """Return the Docs of texts."""
    docs = [nlp(text).to_bytes(exclude=["tensor", "user_data"]) for text in request["texts"]]
    return {"docs": [base64.b64encode(one).decode() for one in docs]}
