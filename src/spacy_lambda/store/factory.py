"""Stores by their locations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from spacy_lambda.core.location import Location, Scheme
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, S3Options
from spacy_lambda.errors import LocationError
from spacy_lambda.store.folder import FolderStorage
from spacy_lambda.store.hub.hub_store import HubOptions, HubStore
from spacy_lambda.store.protocol import ObjectStorage, Store, StoredVersion
from spacy_lambda.store.registry import Registry
from spacy_lambda.store.s3 import Encryption, S3Storage

__all__ = ["list_versions", "open_pipeline", "open_store"]


def open_store(
    location: Location,
    *,
    s3: S3Options = FROM_ENVIRONMENT,
    encryption: Encryption | None = None,
    hub: HubOptions | None = None,
) -> Store:
    """Open the store at a location that names the store itself: a folder, a bucket and prefix, or a repository.

    :param location: A folder, ``s3://BUCKET/PREFIX`` or ``hf://OWNER/NAME``.
    :param s3: Options of S3.
    :param encryption: Encryption of objects that are written to S3; by default the bucket's.
    :param hub: Options of the Hugging Face Hub.
    :raises LocationError: If it names something in a store.
    :raises StoreError: If it cannot be used.
    """
    if location.is_repository:
        return HubStore(location, options=hub)
    if location.ref is not None or location.sha256 is not None or location.is_artifact:
        raise LocationError(
            f"{location} names a version in a store, not a store", remedy="give the folder, or s3://bucket/prefix"
        )
    return Registry(_storage(location, s3, encryption), location)


def open_pipeline(location: Location, *, s3: S3Options = FROM_ENVIRONMENT) -> Store:
    """Open the store at a location that names one pipeline in it: STORE/NAME, or a repository.

    :param location: Such as ``s3://models/ner/en_my_pipeline``.
    :param s3: Options of S3.
    :raises LocationError: If it does not name a pipeline in a store.
    :raises StoreError: If it cannot be used.
    """
    if location.is_repository:
        return HubStore(location)
    root, _, name = location.path.rstrip("/").rpartition("/")
    if not name or location.is_artifact or (not root and not location.is_local):
        raise LocationError(f"{location} does not name a pipeline in a store", remedy="write STORE/NAME@VERSION")
    store = Location(location.scheme, root or ".")
    return Registry(_storage(store, s3, None), store, name=name)


def list_versions(location: Location, *, s3: S3Options = FROM_ENVIRONMENT) -> list[StoredVersion]:
    """List the versions in a store, or those of one pipeline in it.

    :param location: A store, or a pipeline in one.
    :param s3: Options of S3.
    :raises StoreError: If the store cannot be reached, or refuses.
    """
    versions = open_store(location.at(None), s3=s3).versions()
    _, slash, name = location.path.rstrip("/").rpartition("/")
    if not versions and slash and not location.is_repository and name:
        versions = open_pipeline(location, s3=s3).versions()
    return versions


def _storage(location: Location, s3: S3Options, encryption: Encryption | None) -> ObjectStorage:
    return STORAGES[location.scheme](location, s3, encryption)


STORAGES: Mapping[Scheme, Callable[[Location, S3Options, Encryption | None], ObjectStorage]] = {
    "file": lambda location, s3, encryption: FolderStorage(Path(location.path)),
    "s3": lambda location, s3, encryption: S3Storage(location.bucket, location.key, options=s3, encryption=encryption),
}
"""The objects of each scheme that has versions and aliases; a repository of the Hub has its own."""
