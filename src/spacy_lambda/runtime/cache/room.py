"""Room for a new entry: what is evicted for it, and what dead processes have left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import CacheError
from ...strict_json import parse_json
from .claim import is_dead
from .entry import IN_USE, MANIFEST, SET_ASIDE

__all__ = ["FETCHING", "disk_full", "make_room", "sweep"]

FETCHING = ".fetching"
EVICTED = ".evicted"
SLACK = 1 << 20
"""Bytes for what is not in the files: folders, and the entry's own records."""

UNKNOWN_IS_DEAD_S = 3600
IN_USE_ON_NETWORK_S = 6 * 3600
"""A frozen function loses its locks on EFS; but none lives for so long without an invocation that marks the entry."""


@dataclass(frozen=True)
class _Old:
    """An entry that may be evicted."""

    folder: Path
    used: float
    size: int


def make_room(root: Path, need: int, *, limit: int | None) -> None:
    """Evict what nobody uses, the longest unused first, until there is room.

    :param need: Bytes of the new entry.
    :param limit: Bytes of all entries. What is in use stays, beyond the limit too.
    :raises CacheError: When the disk is full all the same.
    """
    entries = sorted(_entries(root), key=lambda entry: entry.used)
    used = sum(entry.size for entry in entries)
    for entry in [*_set_aside(root), *entries]:
        enough = shutil.disk_usage(root).free >= need + SLACK
        if enough and (limit is None or used + need <= limit):
            return
        if _evict(root, entry.folder):
            used -= entry.size
    free = shutil.disk_usage(root).free
    if free < need + SLACK:
        raise disk_full(root, need)


def disk_full(root: Path, need: int) -> CacheError:
    """The error that says what is missing."""
    megabytes = -(-(need + SLACK) // 2**20)
    free = shutil.disk_usage(root).free
    return CacheError(
        f"{root} is full: the pipeline needs {need:,} bytes, {free:,} are free",
        remedy=f"give the function at least {megabytes} MB more ephemeral storage or another {root}, "
        "or compile the pipeline to int8",
    )


def sweep(root: Path) -> None:
    """Remove what processes that died have left; what may still be written stays."""
    for claim in root.glob(f"{FETCHING}/*/*"):
        if _is_left(claim):
            shutil.rmtree(claim, ignore_errors=True)
            with contextlib.suppress(OSError):
                claim.parent.rmdir()
    for evicted in root.glob(f"{EVICTED}/*"):
        _delete(evicted)


def _is_left(claim: Path) -> bool:
    try:
        return is_dead(claim)
    except OSError:
        # No heartbeat yet, or no locks here.
        with contextlib.suppress(OSError):
            return time.time() - claim.stat().st_mtime > UNKNOWN_IS_DEAD_S
        return False


def _entries(root: Path) -> Iterator[_Old]:
    for folder in root.iterdir():
        if not folder.name.startswith("."):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                yield _Old(folder, (folder / IN_USE).stat().st_mtime, _size(folder))


def _set_aside(root: Path) -> Iterator[_Old]:
    for folder in root.glob(f"{SET_ASIDE}/*"):
        yield _Old(folder, 0.0, 0)


def _size(folder: Path) -> int:
    files = parse_json((folder / MANIFEST).read_bytes())["files"]
    return sum(int(file["size"]) for file in files)


def _evict(root: Path, folder: Path) -> bool:
    """Remove an entry, unless it is in use."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        handle = os.open(folder / IN_USE, os.O_RDWR)
        try:
            if _is_used(handle, folder):
                return False
            _remove(root, folder)
        finally:
            os.close(handle)
        return True
    _remove(root, folder)
    return True


def _remove(root: Path, folder: Path) -> None:
    """Out of sight by one rename first, so that nobody sees half of it."""
    target = root / EVICTED / f"{folder.name}-{secrets.token_hex(4)}"
    with contextlib.suppress(FileNotFoundError):
        target.parent.mkdir(exist_ok=True)
        folder.rename(target)
    _delete(target)


def _delete(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    # What was no folder, or is being deleted by another process at this moment.
    with contextlib.suppress(OSError):
        path.unlink()


def _is_used(handle: int, folder: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        locks = False
    else:
        locks = not _is_on_network(folder)
    return not locks and time.time() - os.fstat(handle).st_mtime < IN_USE_ON_NETWORK_S


def _is_on_network(folder: Path) -> bool:
    """Whether the file system is NFS, as EFS is; by the longest mount point above the folder."""
    path = folder.resolve()
    kind, longest = "", -1
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            before, _, after = line.partition(" - ")
            mount = Path(before.split()[4])
            if path.is_relative_to(mount) and len(mount.parts) > longest:
                kind, longest = after.split()[0], len(mount.parts)
    return kind.startswith("nfs")
