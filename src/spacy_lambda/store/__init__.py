"""Stores of artifacts: one module per kind, named as in :mod:`spacy_lambda.core.source`, which reads from them.

::

    pipeline ──core.artifact.pack──▶ artifact ──push──▶ store ──pull──▶ pipeline
                                                          ▲
                                                      signature

``folder`` and ``s3`` are plain object storage (:class:`~spacy_lambda.store.protocol.ObjectStorage`), from which
:class:`~spacy_lambda.store.registry.Registry` makes versions and aliases. ``hub`` has one repository for each pipeline;
versions and aliases are the Hub's revisions. All implement :class:`~spacy_lambda.store.protocol.Store`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy_lambda.store.factory import list_versions, open_pipeline, open_store
    from spacy_lambda.store.hub.hub_store import HubOptions
    from spacy_lambda.store.protocol import Pushed, Store, StoredVersion
    from spacy_lambda.store.s3 import Encryption
    from spacy_lambda.store.transfer import Pulled, pull, push

__all__ = [
    "Encryption",
    "HubOptions",
    "Pulled",
    "Pushed",
    "Store",
    "StoredVersion",
    "list_versions",
    "open_pipeline",
    "open_store",
    "pull",
    "push",
]

_LAZY_IMPORTS = {
    "Encryption": "s3",
    "HubOptions": "hub.hub_store",
    "Pulled": "transfer",
    "Pushed": "protocol",
    "Store": "protocol",
    "StoredVersion": "protocol",
    "list_versions": "factory",
    "open_pipeline": "factory",
    "open_store": "factory",
    "pull": "transfer",
    "push": "transfer",
}
"""Modules of the public names; they are imported on first use, because they import boto3 or huggingface_hub."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY_IMPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY_IMPORTS[name]}"), name)
