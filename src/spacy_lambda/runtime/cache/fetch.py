"""A location -> an entry of the cache, fetched if it is missing."""

from __future__ import annotations

import errno
import random
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from spacy_lambda.core.artifact.extract import check_stream, extract, flush_folder
from spacy_lambda.core.artifact.manifest import Manifest
from spacy_lambda.core.artifact.tar import artifact_size
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.env_names import CACHE_LIMIT_VARIABLE, CACHE_VARIABLE
from spacy_lambda.core.location import Location
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.source.found_artifact import FoundArtifact
from spacy_lambda.errors import CacheError
from spacy_lambda.runtime.cache.claim import FETCHING, Claim, take_claim
from spacy_lambda.runtime.cache.entry import PIPELINE, Entry, finish_entry, open_entry
from spacy_lambda.runtime.cache.eviction import check_fits, check_room, disk_full, keep_limit, make_room
from spacy_lambda.runtime.cache.folders import FULL, TAKEN, VANISHED, identity, make_folder, publish
from spacy_lambda.runtime.cache.owner import check_root, warn_of_others
from spacy_lambda.runtime.cache.settings import CacheSettings
from spacy_lambda.runtime.cache.sweep import sweep

__all__ = ["cached_pipeline"]

TRIES = 5
"""Minimum number of tries: an entry may be evicted or damaged before it is opened, and a folder removed while it is
written."""

PAUSE_S = 0.01

READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


class _FullError(OSError):
    """The disk has no room.

    :param available: Bytes that could be written.
    :param need: Bytes of the artifact, if they are known.
    """

    def __init__(self, *, available: int, need: int = 0) -> None:
        super().__init__(errno.ENOSPC, "No space left on device")
        self.available = available
        self.need = need


def cached_pipeline(
    location: Location, settings: CacheSettings, *, find: Callable[[Location], FoundArtifact] = find_artifact
) -> Entry:
    """Open a pipeline from the cache; fetch it first if it is missing. Verified in either case.

    A location with a digest that is there is opened without asking its store.

    :param find: Looks up the artifact in its store.
    :raises CacheError: If the cache's folder is full, read-only, another user's or unavailable.
    :raises StoreError: If the store cannot be reached, refuses, or has no such artifact.
    :raises ArtifactError: If what the store has is not what it should be.
    """
    check_root(settings)
    warn_of_others(settings.root)
    found = None if location.sha256 is not None else find(location)
    digest = location.sha256 if found is None else found.sha256
    tries, begin = 0, time.monotonic()
    while tries < TRIES or time.monotonic() - begin < settings.times.give_up_s:
        try:
            entry = None if digest is None else open_entry(settings.root, digest)
            if entry is None:
                found = found or find(location)
                digest, entry = _fetch(found, digest, settings)
        except OSError as exc:
            raise _explained(exc, settings.root) from exc
        if entry is not None:
            return entry
        tries += 1
        if tries > 1:
            # Others that lost the same race try again too.
            time.sleep(random.uniform(0, PAUSE_S * min(tries, 20)))
    raise CacheError(
        f"{location} was fetched into {settings.root} {tries} times and was gone each time",
        remedy=f"raise {CACHE_LIMIT_VARIABLE}, and check what else writes there",
    )


def _fetch(found: FoundArtifact, digest: Digest | None, settings: CacheSettings) -> tuple[Digest | None, Entry | None]:
    """Fetch an artifact, or wait until another process has.

    :returns: Its digest if it is known by now; and the entry, if it is this process's own.
    """
    if found.size is not None:
        check_fits(settings, found.size)
    try:
        return _fetch_once(found, digest, settings)
    except _FullError as exc:
        available = min(_free(settings), exc.available)
        check_room(settings, max(exc.need, found.size or 0), available=available)
    # Only what is verified evicts anything: it is read once more.
    with found.open() as stream:
        checked = check_stream(stream, sha256=digest)
    need = artifact_size(checked.manifest)
    check_fits(settings, need)
    # What could be written may turn out not to have been, when it is flushed: then all of it has to be freed.
    for room in (available, 0):
        make_room(settings, need, available=room)
        try:
            return _fetch_once(found, checked.sha256, settings)
        except _FullError as exc:
            full = exc
    raise disk_full(settings, need, f"{_free(settings):,} are free") from full


def _fetch_once(
    found: FoundArtifact, digest: Digest | None, settings: CacheSettings
) -> tuple[Digest | None, Entry | None]:
    root, claim = settings.root, None
    try:
        make_folder(root, root=root)
        check_root(settings)  # it may be another's by now
        sweep(root)
        # Other processes cannot wait for an artifact without a digest.
        claims = root / FETCHING / (digest or f"unknown-{secrets.token_hex(8)}")
        claim = take_claim(claims, settings, is_done=lambda: digest is not None and identity(root / digest) is not None)
        return (digest, None) if claim is None else _fetch_into(claim, found, digest, settings)
    except OSError as exc:
        if exc.errno in FULL and not isinstance(exc, _FullError):
            raise _FullError(available=0 if claim is None else claim.done) from exc
        if exc.errno not in (*VANISHED, *TAKEN):
            raise
        return digest, None  # another process removed or replaced what was being written
    finally:
        if claim is not None:
            claim.release()


def _fetch_into(
    claim: Claim, found: FoundArtifact, digest: Digest | None, settings: CacheSettings
) -> tuple[Digest, Entry | None]:
    root = settings.root
    # A separate name, because the claim's may belong to another process by now.
    folder = claim.folder / f"entry-{secrets.token_hex(4)}"
    make_folder(folder, root=root)

    def on_manifest(manifest: Manifest) -> None:
        need = artifact_size(manifest)
        check_fits(settings, need)
        free = _free(settings)
        if need + settings.file_system.overhead > free:
            raise _FullError(available=free, need=need)

    with found.open() as stream:
        extracted = extract(stream, folder / PIPELINE, sha256=digest, on_manifest=on_manifest, on_bytes=claim.beat)
    entry = Entry(root / extracted.sha256, finish_entry(folder, extracted.manifest))
    with ExitStack() as undo:
        undo.callback(entry.close)
        if not publish(folder, entry.folder):
            return extracted.sha256, None
        flush_folder(root)
        keep_limit(settings)
        undo.pop_all()
    return extracted.sha256, entry


def _free(settings: CacheSettings) -> int:
    return settings.file_system.space(settings.root)[1]


def _explained(error: OSError, root: Path) -> CacheError:
    if error.errno in READ_ONLY:
        return CacheError(
            f"{root} cannot be written: {error.strerror}",
            remedy=f"mount it with write access, or set {CACHE_VARIABLE} to a folder in /tmp",
        )
    return CacheError(
        f"{root} cannot be used: {error}", remedy=f"check {CACHE_VARIABLE}, and that the file system is mounted"
    )
