"""spacy-lambda: a trained spaCy transformer pipeline, on AWS Lambda, without torch.

The client is loaded when it is used: the function imports this package too, and has no use for it.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy_lambda.client import Client

__all__ = ["Client", "__version__"]

__version__ = version("spacy-lambda")


def __getattr__(name: str) -> Any:
    if name != "Client":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from spacy_lambda.client import Client

    return Client
