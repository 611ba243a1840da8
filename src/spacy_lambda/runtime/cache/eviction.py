"""Space for a new entry: decide whether there can be enough, then evict the least recently used entries."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.core.compiled_meta import COMPILE_SMALLER
from spacy_lambda.core.env_names import CACHE_LIMIT_VARIABLE, CACHE_VARIABLE
from spacy_lambda.errors import CacheError
from spacy_lambda.runtime.cache.entry import IN_USE
from spacy_lambda.runtime.cache.file_system import FileSystem
from spacy_lambda.runtime.cache.folders import (
    VANISHED,
    IrregularFileError,
    folder_entries,
    identity,
    lstat,
    move_if_unchanged,
    open_file,
    remove,
    tree_size,
)
from spacy_lambda.runtime.cache.quarantine import QUARANTINE
from spacy_lambda.runtime.cache.settings import CacheSettings

__all__ = ["EVICTED", "check_fits", "check_room", "disk_full", "keep_limit", "make_room"]

EVICTED = ".evicted"
IN_USE_ON_NETWORK_S = 6 * 3600
"""A frozen function loses its locks on EFS; but none lives for so long without an invocation that marks the entry."""


@dataclass(frozen=True)
class _Old:
    """An entry that may be evicted unless it is in use."""

    folder: Path
    known: tuple[int, int]
    used: float
    size: int


def check_fits(settings: CacheSettings, need: int) -> None:
    """Refuse an artifact that can never fit. Nothing is evicted for it, because its size may be unverified.

    :raises CacheError: If the limit or the whole disk is smaller.
    """
    limit = settings.limit
    if limit is not None and need > limit:
        raise CacheError(
            f"the pipeline needs {need:,} bytes, and {CACHE_LIMIT_VARIABLE} is {limit:,}",
            remedy=f"set {CACHE_LIMIT_VARIABLE} to {-(-need // 10**6)}MB or more, or leave it out",
        )
    total, _ = settings.file_system.space(settings.root)
    if need + settings.file_system.overhead > total:
        raise disk_full(settings, need, f"the disk has {total:,} in all")


def check_room(settings: CacheSettings, need: int, *, available: int) -> None:
    """Refuse an artifact that has no room even after evictions. Nothing is evicted, because its size may be unverified.

    :param available: Bytes that could be written without evicting anything.
    :raises CacheError: If all that may be evicted is not enough.
    """
    with ExitStack() as held:
        _choose(settings, need, available, held)


def make_room(settings: CacheSettings, need: int, *, available: int) -> None:
    """Evict unused entries, the least recently used first, until a new one has room; evict nothing if it cannot.

    :param need: Bytes of the new entry, verified.
    :param available: Bytes that could be written without evicting anything.
    :raises CacheError: If all that may be evicted is not enough.
    """
    with ExitStack() as held:
        for old in _choose(settings, need, available, held):
            _remove(settings.root, old)


def keep_limit(settings: CacheSettings) -> None:
    """Evict unused entries, the least recently used first, until all are within the limit, if there is one."""
    root, limit = settings.root, settings.limit
    if limit is None:
        return
    over = sum(old.size for old in _entries(root)) - limit
    with ExitStack() as held:
        chosen = _unused(settings, over, held)
        for old in chosen:
            _remove(root, old)
    if sum(old.size for old in chosen) < over:
        logging.getLogger(__name__).warning(
            "the cache %s exceeds %s (%s bytes): everything left in it is in use",
            root,
            CACHE_LIMIT_VARIABLE,
            f"{limit:,}",
        )


def disk_full(settings: CacheSettings, need: int, why: str) -> CacheError:
    """Return the error with the missing bytes."""
    megabytes = -(-(need + settings.file_system.overhead) // 2**20)
    return CacheError(
        f"{settings.root} is full: the pipeline needs {need:,} bytes, {why}",
        remedy=f"give the function at least {megabytes} MB of ephemeral storage for {settings.root} or choose "
        f"another folder with {CACHE_VARIABLE}, or {COMPILE_SMALLER}",
    )


def _choose(settings: CacheSettings, need: int, available: int, held: ExitStack) -> list[_Old]:
    """Return the entries to evict for a new one, locked."""
    wanted = need + settings.file_system.overhead - available
    chosen = _unused(settings, wanted, held)
    freed = sum(old.size for old in chosen)
    if freed < wanted:
        raise disk_full(settings, need, f"{available:,} are free, and {freed:,} more after evicting everything unused")
    return chosen


def _unused(settings: CacheSettings, wanted: int, held: ExitStack) -> list[_Old]:
    """Return unused entries, the least recently used first, up to a number of bytes; locked until the stack ends."""
    chosen: list[_Old] = []
    for old in sorted(_entries(settings.root), key=lambda old: old.used) if wanted > 0 else ():
        if wanted <= 0:
            break
        if _hold(old, settings.file_system, held):
            chosen.append(old)
            wanted -= old.size
    return chosen


def _entries(root: Path) -> Iterator[_Old]:
    """Yield the cache's entries; quarantined ones come first."""
    for folder, found in folder_entries(root / QUARANTINE):
        yield _Old(folder, (found.st_dev, found.st_ino), 0.0, tree_size(folder))
    for folder, found in folder_entries(root):
        if not folder.name.startswith("."):
            mark = lstat(folder / IN_USE) or found
            yield _Old(folder, (found.st_dev, found.st_ino), mark.st_mtime, tree_size(folder))


def _hold(old: _Old, file_system: FileSystem, held: ExitStack) -> bool:
    """Keep others from beginning to use an entry, unless one does already."""
    try:
        handle = open_file(old.folder / IN_USE, os.O_RDWR)
    except IrregularFileError:
        return True
    except OSError as exc:
        return exc.errno in VANISHED
    held.callback(os.close, handle)
    return identity(old.folder) == old.known and not _is_used(handle, old.folder, file_system)


def _is_used(handle: int, folder: Path, file_system: FileSystem) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        locks = False
    else:
        locks = not file_system.is_on_network(folder)
    return not locks and time.time() - os.fstat(handle).st_mtime < IN_USE_ON_NETWORK_S


def _remove(root: Path, old: _Old) -> None:
    """Remove an entry after one rename, so that no process sees half of it."""
    target: Path | None = old.folder
    # On a full disk there is no room for another folder; the lock keeps others away.
    with suppress(OSError):
        target = move_if_unchanged(old.folder, old.known, root / EVICTED, root=root)
    if target is not None:
        remove(target)
