"""The layout of a store in a folder or a bucket, and the format of its pointers.

::

    ROOT/en_scienceie/artifacts/DIGEST.tar     an artifact, named by its digest; never changed
    ROOT/en_scienceie/artifacts/DIGEST.sig     its signature, if it has one
    ROOT/en_scienceie/refs/0.1.0-int8.json     a version: a pointer, written once
    ROOT/en_scienceie/refs/latest.json         an alias: a pointer, replaced atomically
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from spacy_lambda.core.artifact.extract import MAX_ARTIFACT_BYTES
from spacy_lambda.core.digest import Digest, is_digest, parse_digest
from spacy_lambda.core.location import REF, Location
from spacy_lambda.core.strict_json import check_fields, read_json
from spacy_lambda.errors import DigestError, JsonError, NotStoredError, StoreError

__all__ = [
    "LATEST",
    "MAX_SMALL_BYTES",
    "Pointer",
    "artifact_key",
    "parse_pointer",
    "ref_key",
    "resolve",
    "signature_key",
]

LATEST = "latest"
MAX_POINTER_BYTES = 4096
MAX_SMALL_BYTES = 4 * 1024 * 1024
"""Maximum size of a pointer or a signature."""
FIELDS = {"kind": str, "version": str, "sha256": str, "size": int}


@dataclass(frozen=True)
class Record:
    """A small file of a store, in JSON."""

    def to_bytes(self) -> bytes:
        """Return the stored form."""
        return json.dumps(asdict(self), indent=2, sort_keys=True).encode("ascii") + b"\n"


@dataclass(frozen=True)
class Pointer(Record):
    """The target of a version or an alias.

    :param kind: A version stays; an alias moves.
    :param version: The version, ``VERSION`` or ``VERSION-PRECISION``.
    :param sha256: The artifact's digest.
    :param size: The artifact's bytes.
    """

    kind: Literal["version", "alias"]
    version: str
    sha256: Digest
    size: int


def parse_pointer(data: bytes, *, name: str) -> Pointer:
    """Parse a pointer.

    :param name: Its name in errors.
    :raises StoreError: If it is invalid.
    """
    remedy = "push the version again with --force, or move the alias again"
    try:
        content = check_fields(read_json(data, name=name, max_bytes=MAX_POINTER_BYTES), FIELDS, name=name)
        pointer = Pointer(
            content["kind"],
            content["version"],
            parse_digest(content["sha256"], name="its sha256"),
            content["size"],
        )
    except (JsonError, DigestError) as exc:
        raise StoreError(f"{name} is not a valid pointer to an artifact: {exc.message}", remedy=remedy) from exc
    if (
        pointer.kind not in ("version", "alias")
        or not REF.fullmatch(pointer.version)
        or not 0 < pointer.size <= MAX_ARTIFACT_BYTES
    ):
        raise StoreError(f"{name} is not a valid pointer to an artifact", remedy=remedy)
    return pointer


def artifact_key(name: str, sha256: Digest) -> str:
    """Return the key of an artifact, below the store's root."""
    return f"{name}/artifacts/{sha256}.tar"


def signature_key(name: str, sha256: Digest) -> str:
    """Return the key of an artifact's signature."""
    return f"{name}/artifacts/{sha256}.sig"


def ref_key(name: str, ref: str) -> str:
    """Return the key of the pointer of a version or an alias."""
    return f"{name}/refs/{ref}.json"


def resolve(location: Location, read: Callable[[str], bytes | None]) -> Digest:
    """Return the digest of the artifact at a location in a store; a digest in the location is not looked up.

    :param read: Returns the object of a key below the store's root, or ``None``.
    :raises NotStoredError: If there is no such pipeline, version or alias.
    """
    if location.sha256 is not None:
        return location.sha256
    ref = location.ref or LATEST
    if is_digest(ref):
        return Digest(ref)
    root, _, name = str(location.at(None)).rpartition("/")
    data = read(ref_key(name, ref))
    if data is None:
        raise NotStoredError(
            f"{root or '.'} has no {name!r} with the version or alias {ref!r}",
            remedy=f"see what it has with `spacy-lambda ls {root or '.'}`",
        )
    return parse_pointer(data, name=f"{location.at(ref)}").sha256
