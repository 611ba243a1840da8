"""What every store can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from spacy_lambda.core.artifact.pack import Packed
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.location import Location
from spacy_lambda.pipeline.kind import PipelineKind

__all__ = ["OnStep", "Push", "Pushed", "Store", "StoredVersion"]

OnStep = Callable[[str, int, int], None]
"""Takes a step's name, how many bytes of it are done, and how many there are."""


@dataclass(frozen=True, kw_only=True)
class Push:
    """What is to be stored.

    :param packed: The artifact.
    :param folder: The pipeline's folder that it was packed from.
    :param aliases: Aliases that will point to it; on the Hub, tags.
    :param replace: Let a version that is there with other contents point to this artifact.
    :param signature: The file of its signature, where it is signed.
    """

    packed: Packed
    folder: Path
    aliases: tuple[str, ...] = ()
    replace: bool = False
    signature: Path | None = None


@dataclass(frozen=True)
class Pushed:
    """What was stored.

    :param location: Where exactly it is: what ``SPACY_LAMBDA_PIPELINE`` takes.
    :param version: The version in the store.
    :param aliases: The aliases that point to it now.
    :param uploaded: Bytes that were sent; fewer than the artifact's where some were there already.
    :param page: Where people look at it, if anywhere.
    :param kind: The kind of pipeline that it is; a function runs no ``original``.
    :param left_out: What of the pipeline's folder was not packed.
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

    :param location: Where it is, without its digest.
    :param name: ``LANG_NAME``, or ``OWNER/NAME`` on the Hub.
    :param version: The version.
    :param sha256: The artifact's identity; ``None`` where the store cannot tell.
    :param size: Bytes of the artifact.
    :param aliases: The aliases that point to it.
    """

    location: Location
    name: str
    version: str
    sha256: Digest | None
    size: int | None
    aliases: tuple[str, ...] = field(default=())


class Store(Protocol):
    """A place for artifacts."""

    def push(self, push: Push, *, on_step: OnStep) -> Pushed:
        """Store an artifact; it and its version appear whole or not at all, and aliases move last.

        :raises StoreError: When the store cannot be reached, refuses, or has the version with other contents.
        """
        ...

    def versions(self) -> list[StoredVersion]:
        """What is stored.

        :raises StoreError: When the store cannot be reached, or refuses.
        """
        ...

    def move_alias(self, ref: str, alias: str) -> StoredVersion:
        """Let an alias point to a version, in one step.

        :raises NotStoredError: When there is no such version.
        :raises StoreError: When the store cannot be reached, or refuses.
        """
        ...

    def signature(self, sha256: Digest) -> bytes | None:
        """The signature that was stored with an artifact.

        :raises StoreError: When the store cannot be reached, or refuses.
        """
        ...
