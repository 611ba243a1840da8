"""An entry of the cache: opened only when all of it is what its name says."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from ...artifact.form import Manifest, parse_manifest
from ...artifact.unpack import flush_folder
from ...artifact.verify import folder_digest
from ...errors import ArtifactError, CacheError

__all__ = ["IN_USE", "MANIFEST", "PIPELINE", "SET_ASIDE", "Entry", "finish_entry", "open_entry"]

PIPELINE = "pipeline"
MANIFEST = "manifest.json"
IN_USE = "in-use"
SET_ASIDE = ".set-aside"
MARK_EVERY_S = 300


@dataclass
class Entry:
    """A verified pipeline that is in use, until the process ends or :meth:`close` is called.

    :param folder: The entry's folder.
    :param handle: The open file that says so, with a shared lock where the file system has locks.
    """

    folder: Path
    handle: int
    marked: float = 0.0

    @property
    def sha256(self) -> str:
        """The artifact's identity."""
        return self.folder.name

    @property
    def pipeline(self) -> Path:
        """The pipeline's folder."""
        return self.folder / PIPELINE

    def mark(self) -> None:
        """Note that the entry is still used, every few minutes: a frozen function may lose its lock on EFS."""
        now = time.monotonic()
        if not self.marked or now - self.marked > MARK_EVERY_S:
            self.marked = now
            # On a read-only mount nothing is evicted either.
            with contextlib.suppress(OSError):
                os.utime(self.folder / IN_USE)

    def close(self) -> None:
        """Use it no more."""
        os.close(self.handle)


class _Gone(Exception):
    """The entry was evicted, or replaced, while it was being opened."""


def open_entry(root: Path, digest: str, *, verified: bool = False) -> Entry | None:
    """Open an entry after computing its digest again; a damaged one is set aside.

    :param verified: This process has just verified it, while it wrote it.
    :returns: ``None`` where there is none, or none any more.
    :raises CacheError: When it cannot be read, or is damaged and cannot be set aside.
    """
    folder = root / digest
    handle = None
    try:
        inode = folder.lstat().st_ino
        handle = os.open(folder / IN_USE, os.O_RDONLY)
        _keep(folder, handle)
        wrong = None if verified else _wrong(folder, digest)
    except (FileNotFoundError, NotADirectoryError):
        if not os.path.lexists(folder):
            return None
        wrong = "it is not whole"
    except _Gone:
        wrong = None
    except OSError as exc:
        raise CacheError(
            f"{folder} cannot be read: {exc.strerror}", remedy="check the permissions of the cache"
        ) from exc
    else:
        if wrong is None:
            entry = Entry(folder, handle)
            entry.mark()
            return entry
    if handle is not None:
        os.close(handle)
    if wrong is not None:
        _set_aside(root, folder, inode, wrong)
    return None


def _keep(folder: Path, handle: int) -> None:
    """From here on nobody evicts the entry."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise _Gone from exc
    except OSError:
        pass  # a file system without locks: the time of the last use has to do
    try:
        if os.stat(folder / IN_USE).st_ino != os.fstat(handle).st_ino:
            raise _Gone
    except FileNotFoundError as exc:
        raise _Gone from exc


def _wrong(folder: Path, digest: str) -> str | None:
    """Why an entry is damaged."""
    try:
        manifest = parse_manifest((folder / MANIFEST).read_bytes())
        found = folder_digest(folder / PIPELINE, manifest)
    except ArtifactError as exc:
        return exc.message
    return None if found == digest else f"its files are those of the artifact {found}"


def _set_aside(root: Path, folder: Path, inode: int, why: str) -> None:
    """Move a damaged entry out of the way, unless another process has done so and put a new one there."""
    logging.getLogger(__name__).warning("the cache entry %s is set aside and fetched again: %s", folder, why)
    target = root / SET_ASIDE / f"{folder.name}-{secrets.token_hex(4)}"
    try:
        target.parent.mkdir(exist_ok=True)
        if folder.lstat().st_ino == inode:
            folder.rename(target)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise CacheError(
            f"{folder} is damaged ({why}) and cannot be set aside: {exc.strerror}",
            remedy="remove it, or mount the cache with write access",
        ) from exc


def finish_entry(folder: Path, manifest: Manifest) -> None:
    """Add to a folder, with the pipeline in it, what makes it an entry; all of it is on the disk afterwards."""
    for name, data in ((MANIFEST, manifest.to_bytes()), (IN_USE, b"")):
        with open(folder / name, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    flush_folder(folder)
