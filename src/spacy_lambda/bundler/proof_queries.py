"""Queries of a bundle's pipeline, through the function's own handler; see :mod:`spacy_lambda.packages.isolation`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["load", "query"]


def load(pipeline: Path) -> Callable[[Any, Any], Any]:
    """Import the handler, which loads the pipeline."""
    from spacy_lambda.runtime.handler import handler

    return handler


def query(handler: Callable[[Any, Any], Any], request: dict[str, Any]) -> dict[str, Any]:
    """Send texts in both shapes of a direct request; any response is enough."""
    from spacy_lambda.core.request_options import DOC_PARTS

    handler({"texts": request["texts"]}, None)
    handler({"texts": request["texts"], "include": list(DOC_PARTS)}, None)
    return {}
