"""The interfaces of stores, and the values that they take and return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from spacy_lambda.core.artifact.pack import Packed
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.location import Location
from spacy_lambda.core.progress import OnStep
from spacy_lambda.pipeline.kind import PipelineKind

__all__ = ["ObjectStorage", "Push", "Pushed", "Store", "StoreRemoval", "StoredVersion"]


@dataclass(frozen=True, kw_only=True)
class Push:
    """An artifact to be stored.

    :param packed: The artifact.
    :param folder: The pipeline's folder that it was packed from.
    :param aliases: Aliases that will point to it; on the Hub, tags.
    :param replace: Replace a version that exists with other contents.
    :param signature: The file of its signature; ``None`` for an unsigned artifact.
    :param source: The pipeline as the user named it, for commands in remedies.
    """

    packed: Packed
    folder: Path
    aliases: tuple[str, ...] = ()
    replace: bool = False
    signature: Path | None = None
    source: str = "PIPELINE"


@dataclass(frozen=True)
class Pushed:
    """An artifact that was stored.

    :param location: Its location with the digest, for ``SPACY_LAMBDA_PIPELINE``.
    :param version: The version in the store.
    :param aliases: The aliases that point to it now.
    :param uploaded: Bytes that were sent; fewer than the artifact's if the store had some already.
    :param page: Its web page; ``None`` without one.
    :param kind: The kind of pipeline; a function does not run an ``original``.
    :param left_out: Files of the pipeline's folder that were not packed.
    """

    location: Location
    version: str
    aliases: tuple[str, ...]
    uploaded: int
    page: str | None = None
    kind: PipelineKind | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoredVersion:
    """One version of one pipeline in a store.

    :param location: Its location, without the digest.
    :param name: ``LANG_NAME``, or ``OWNER/NAME`` on the Hub.
    :param version: The version.
    :param sha256: The artifact's identity; ``None`` if it is unknown.
    :param size: Bytes of the artifact.
    :param aliases: The aliases that point to it.
    :param modified: Time at which it was stored; ``None`` if it is unknown.
    """

    location: Location
    name: str
    version: str
    sha256: Digest | None
    size: int | None
    aliases: tuple[str, ...] = field(default=())
    modified: datetime | None = None


@dataclass(frozen=True)
class StoreRemoval:
    """A version or an alias that can be removed, with what nothing else needs.

    :param location: Its location.
    :param kind: ``version`` or ``alias``.
    :param version: The version, or the version that the alias points to.
    :param keys: The objects that are deleted, in this order.
    :param size: Bytes of the artifact, if it is deleted too.
    """

    location: Location
    kind: Literal["version", "alias"]
    version: str
    keys: tuple[str, ...]
    size: int = 0


class Store(Protocol):
    """A store of artifacts."""

    def push(self, push: Push, *, on_step: OnStep) -> Pushed:
        """Store an artifact; it and its version appear whole or not at all, and aliases move last.

        :param push: The artifact, with its aliases.
        :param on_step: Called with a step's name, the bytes done, and their total.
        :raises StoreError: If the store cannot be reached, refuses, or has the version with other contents.
        """
        ...

    def versions(self) -> list[StoredVersion]:
        """Return the stored versions.

        :raises StoreError: If the store cannot be reached, or refuses.
        """
        ...

    def move_alias(self, ref: str, alias: str) -> StoredVersion:
        """Let an alias point to a version, in one step.

        :param ref: Name and version of the pipeline.
        :param alias: The alias.
        :raises NotStoredError: If the version does not exist.
        :raises StoreError: If the store cannot be reached, or refuses.
        """
        ...

    def find_removal(self, ref: str) -> StoreRemoval:
        """Return what would be removed with a version or an alias.

        :param ref: Name and version of the pipeline, or name and alias.
        :raises NotStoredError: If it does not exist.
        :raises StoreError: If aliases point to the version, or the store cannot be reached or refuses.
        """
        ...

    def remove(self, removal: StoreRemoval) -> None:
        """Remove a version or an alias.

        :param removal: The result of :meth:`find_removal`.
        :raises StoreError: If the store cannot be reached, or refuses.
        """
        ...

    def signature(self, sha256: Digest) -> bytes | None:
        """Return the signature that was stored with an artifact.

        :param sha256: Digest of the artifact.
        :raises StoreError: If the store cannot be reached, or refuses.
        """
        ...


class ObjectStorage(Protocol):
    """Objects by key, below a root: a folder or a bucket. Keys have ``/`` between their parts."""

    def read(self, key: str) -> bytes | None:
        """Return a small object, or ``None``."""
        ...

    def create(self, key: str, data: bytes) -> bool:
        """Write a small object unless the key exists; return ``False``, having written nothing, if it does."""
        ...

    def replace(self, key: str, data: bytes) -> None:
        """Write a small object; readers see the old one or the new one, never a mixture."""
        ...

    def upload(self, key: str, file: Path, *, sha256: str, on_bytes: Callable[[int, int], None]) -> int:
        """Store a file whole or not at all, under a key that identifies its contents.

        :param sha256: Of the file.
        :param on_bytes: Called with the bytes that are done, and their total.
        :returns: Bytes that were sent; none if the object exists already.
        """
        ...

    def keys(self, prefix: str) -> dict[str, datetime]:
        """Return the keys that begin with a prefix, sorted, each with the time at which its object was written."""
        ...

    def delete(self, key: str) -> None:
        """Delete an object; one that does not exist is not an error."""
        ...
