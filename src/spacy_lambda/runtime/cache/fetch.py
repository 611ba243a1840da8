"""A location -> an entry of the cache, fetched where it is not there."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from ...artifact.form import Manifest
from ...artifact.unpack import extract, flush_folder
from ...digest import Digest
from ...errors import CacheError
from ...location import Location
from ...source.find import find_artifact
from ...source.found import FoundArtifact
from .claim import Claim, take_claim
from .entry import PIPELINE, Entry, finish_entry, open_entry
from .room import FETCHING, disk_full, make_room, sweep
from .settings import DEFAULT_ROOT, CacheSettings

__all__ = ["cached_pipeline"]

TRIES = 5
"""Times that an entry may vanish before it is opened: evicted, damaged, or its scratch folder removed."""

FULL = (errno.ENOSPC, errno.EDQUOT)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def cached_pipeline(location: Location, settings: CacheSettings) -> Entry:
    """Open a pipeline from the cache; fetch it first where it is not there. Verified in either case.

    A location with a digest that is there is opened without asking its store.

    :raises CacheError: When the cache's folder is full, read-only or not to be had.
    :raises StoreError: When the store cannot be reached, refuses, or has no such artifact.
    :raises ArtifactError: When what the store has is not what it should be.
    """
    _check_owner(settings.root)
    found = None if location.sha256 is not None else find_artifact(location)
    digest = location.sha256 if found is None else found.sha256
    fetched = False
    for _ in range(TRIES):
        entry = None if digest is None else open_entry(settings.root, digest, verified=fetched)
        if entry is not None:
            return entry
        found = found or find_artifact(location)
        digest, fetched = _fetch(found, digest, settings)
    raise CacheError(
        f"{location} was fetched into {settings.root} {TRIES} times and was gone each time",
        remedy="raise SPACY_LAMBDA_CACHE_LIMIT, and check what else writes there",
    )


def _check_owner(root: Path) -> None:
    """In ``/tmp`` anybody may have made the folder first, and could change an entry after it was verified."""
    if root == Path(DEFAULT_ROOT) and root.exists() and root.stat().st_uid not in (0, os.geteuid()):
        raise CacheError(
            f"{root} belongs to another user", remedy="set SPACY_LAMBDA_CACHE to a folder that only you can write"
        )


def _fetch(found: FoundArtifact, digest: Digest | None, settings: CacheSettings) -> tuple[Digest | None, bool]:
    """Fetch an artifact, or wait until another process has.

    :returns: Its digest where it is known by now, and whether the entry is this process's own.
    """
    root, size = settings.root, found.size or 0
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        sweep(root)
        # Nobody can wait for what has no name yet.
        claims = root / FETCHING / (digest or f"unknown-{secrets.token_hex(8)}")
        claim = take_claim(claims, is_done=lambda: digest is not None and (root / digest).exists())
        if claim is None:
            return digest, False
        try:
            return _fetch_into(claim, found, digest, settings)
        except FileNotFoundError:
            if claim.folder.exists():
                raise
            return digest, False  # somebody took this process for dead
        finally:
            claim.release()
    except OSError as exc:
        raise _explained(exc, root, size) from exc


def _fetch_into(
    claim: Claim, found: FoundArtifact, digest: Digest | None, settings: CacheSettings
) -> tuple[Digest, bool]:
    folder = claim.folder / "entry"
    folder.mkdir()

    def on_manifest(manifest: Manifest) -> None:
        make_room(settings.root, manifest.total_bytes, limit=settings.limit)

    with found.open() as stream:
        extracted = extract(stream, folder / PIPELINE, sha256=digest, on_manifest=on_manifest, on_bytes=claim.beat)
    finish_entry(folder, extracted.manifest)
    try:
        os.rename(folder, settings.root / extracted.sha256)
    except OSError as exc:
        if exc.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return extracted.sha256, False
    flush_folder(settings.root)
    return extracted.sha256, True


def _explained(error: OSError, root: Path, size: int) -> CacheError:
    if error.errno in FULL:
        return disk_full(root, size)
    if error.errno in READ_ONLY:
        return CacheError(
            f"{root} cannot be written: {error.strerror}",
            remedy="mount it with write access, or set SPACY_LAMBDA_CACHE to a folder in /tmp",
        )
    return CacheError(
        f"{root} cannot be used: {error}", remedy="check SPACY_LAMBDA_CACHE, and that the file system is mounted"
    )
