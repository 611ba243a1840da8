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

from typing import TYPE_CHECKING

from spacy_lambda.extras import lazy_imports

if TYPE_CHECKING:
    from spacy_lambda.core.location import Location, parse_location
    from spacy_lambda.core.source.found_artifact import S3Options
    from spacy_lambda.store.factory import list_versions, open_pipeline, open_store
    from spacy_lambda.store.hub.hub_store import HubOptions
    from spacy_lambda.store.protocol import Pushed, Store, StoredVersion
    from spacy_lambda.store.s3 import Encryption
    from spacy_lambda.store.transfer import Pulled, pull, push

__all__ = [
    "Encryption",
    "HubOptions",
    "Location",
    "Pulled",
    "Pushed",
    "S3Options",
    "Store",
    "StoredVersion",
    "list_versions",
    "open_pipeline",
    "open_store",
    "parse_location",
    "pull",
    "push",
]

_LAZY_IMPORTS = {
    "Encryption": "spacy_lambda.store.s3",
    "HubOptions": "spacy_lambda.store.hub.hub_store",
    "Location": "spacy_lambda.core.location",
    "Pulled": "spacy_lambda.store.transfer",
    "Pushed": "spacy_lambda.store.protocol",
    "S3Options": "spacy_lambda.core.source.found_artifact",
    "Store": "spacy_lambda.store.protocol",
    "StoredVersion": "spacy_lambda.store.protocol",
    "list_versions": "spacy_lambda.store.factory",
    "open_pipeline": "spacy_lambda.store.factory",
    "open_store": "spacy_lambda.store.factory",
    "parse_location": "spacy_lambda.core.location",
    "pull": "spacy_lambda.store.transfer",
    "push": "spacy_lambda.store.transfer",
}
"""Modules of the public names; they are imported on first use, because they import boto3 or huggingface_hub."""

__getattr__ = lazy_imports(__name__, _LAZY_IMPORTS)
