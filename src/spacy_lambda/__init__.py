"""spacy-lambda: a trained spaCy transformer pipeline, on AWS Lambda, without torch.

What is public is imported when it is used: the function imports this package too, and has no use for the client.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy_lambda.client import Client
    from spacy_lambda.runtime.loading import load

__all__ = ["Client", "__version__", "load"]

__version__ = version("spacy-lambda")

_HOMES = {"Client": "spacy_lambda.client", "load": "spacy_lambda.runtime.loading"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
