"""An entry of the cache, opened only when its contents have the digest in its name."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.core.artifact.extract import flush_folder
from spacy_lambda.core.artifact.integrity import folder_digest
from spacy_lambda.core.artifact.manifest import MANIFEST, MAX_MANIFEST_BYTES, Manifest, parse_manifest
from spacy_lambda.core.digest import Digest
from spacy_lambda.errors import ArtifactError, CacheError
from spacy_lambda.runtime.cache.folders import (
    VANISHED,
    IrregularFileError,
    identity,
    is_folder,
    lstat,
    open_file,
    read_file,
    write_file,
)
from spacy_lambda.runtime.cache.quarantine import quarantine

__all__ = ["IN_USE", "PIPELINE", "Entry", "finish_entry", "open_entry"]

PIPELINE = "pipeline"
IN_USE = "in-use"
MARK_INTERVAL_S = 300

OF_THIS_PROCESS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR)
"""Errors that keep an undamaged entry from being read."""


@dataclass
class Entry:
    """A verified pipeline that is in use, until the process ends or :meth:`close` is called.

    :param folder: The entry's folder.
    :param handle: The open file that marks it as used, with a shared lock where the file system has locks.
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
        if not self.marked or now - self.marked > MARK_INTERVAL_S:
            self.marked = now
            # On a read-only mount nothing is evicted either.
            with contextlib.suppress(OSError):
                os.utime(self.handle)

    def close(self) -> None:
        """Release the entry."""
        os.close(self.handle)


class _Gone(Exception):
    """The entry was evicted, or replaced, while it was being opened."""


class _Damaged(Exception):
    """The entry's contents do not have the digest in its name."""


def open_entry(root: Path, digest: Digest) -> Entry | None:
    """Open an entry after computing its digest again; a damaged one is quarantined.

    :returns: ``None`` when the entry does not exist, or no longer.
    :raises CacheError: If it cannot be read, or is damaged and cannot be quarantined.
    """
    folder = root / digest
    known = identity(folder)
    if known is None:
        return None
    with contextlib.ExitStack() as undo:
        try:
            handle = _hold(folder)
            undo.callback(os.close, handle)
            _verify(folder, digest)
        except _Gone:
            return None
        except _Damaged as exc:
            quarantine(root, folder, known, str(exc))
            return None
        undo.pop_all()
    entry = Entry(folder, handle)
    entry.mark()
    return entry


def _hold(folder: Path) -> int:
    """Protect the entry from eviction."""
    if not is_folder(folder):
        raise _Damaged("it is not a folder")
    try:
        handle = open_file(folder / IN_USE)
    except OSError as exc:
        raise _refused(folder / IN_USE, exc) from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(handle)
        raise _Gone from exc
    except OSError:
        pass  # a file system without locks: the time of the last use has to do
    found, own = lstat(folder / IN_USE), os.fstat(handle)
    if found is None or (found.st_dev, found.st_ino) != (own.st_dev, own.st_ino):
        os.close(handle)
        raise _Gone
    return handle


def _verify(folder: Path, digest: Digest) -> None:
    """Compute the digest again from the entry's files."""
    if not is_folder(folder / PIPELINE):
        raise _Damaged(f"{folder / PIPELINE} is not a folder")
    try:
        manifest = parse_manifest(read_file(folder / MANIFEST, max_bytes=MAX_MANIFEST_BYTES))
        found = folder_digest(folder / PIPELINE, manifest)
    except OSError as exc:
        raise _refused(folder, exc) from exc
    except ArtifactError as exc:
        if isinstance(exc.__cause__, OSError):
            raise _refused(folder, exc.__cause__) from exc
        raise _Damaged(exc.message) from exc
    if found != digest:
        raise _Damaged(f"its files are those of the artifact {found}")


def _refused(path: Path, error: OSError) -> _Damaged | CacheError:
    """Return the meaning of an error: the entry is damaged, unless the fault is this process's own."""
    if error.errno in OF_THIS_PROCESS:
        return CacheError(
            f"{path} cannot be read: {error.strerror}", remedy="give the process more open files or more memory"
        )
    if isinstance(error, IrregularFileError):
        return _Damaged(f"{error.filename} is {error.strerror}")
    if error.errno in VANISHED:
        return _Damaged("it is not whole")
    return _Damaged(f"{path} cannot be read: {error.strerror}")


def finish_entry(folder: Path, manifest: Manifest) -> int:
    """Add to a folder, with the pipeline in it, what makes it an entry in use; all of it is on the disk afterwards.

    :returns: The open file that keeps others from evicting it.
    :raises OSError: If a file cannot be written, or another process has removed one of the pipeline's.
    """
    write_file(folder / MANIFEST, manifest.to_bytes())
    write_file(folder / IN_USE, b"")
    flush_folder(folder)
    for entry in manifest.files:
        found = lstat(folder / PIPELINE / entry.path)
        if found is None or found.st_size != entry.size:
            raise FileNotFoundError(errno.ENOENT, "changed by another process", str(folder / PIPELINE / entry.path))
    handle = open_file(folder / IN_USE)
    with contextlib.suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return handle
