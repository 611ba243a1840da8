"""A lock of a file, against two processes that would write the same files."""

from __future__ import annotations

import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from spacy_lambda.core.strict_json import parse_json

__all__ = ["LockHeld", "file_lock"]


class LockHeld(Exception):
    """Another process, or another thread of this one, holds the lock; the text names it."""


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold a lock in the block. The system releases it when the process dies, whatever is left of the file.

    On a file system without locks, nothing is locked.

    :param path: The lock's file, which is removed at the end.
    :raises LockHeld: If it is held.
    :raises OSError: If the file cannot be made.
    """
    file = _acquire(path)
    try:
        yield
    finally:
        if _is_at(path, file):
            path.unlink()
        file.close()


def _acquire(path: Path) -> BinaryIO:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+b")
        except FileNotFoundError:  # another process has removed the folder
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with file:
                raise LockHeld(_holder(file.read(1000))) from None
        except OSError:  # a file system without locks
            return file
        if _is_at(path, file):
            file.truncate()
            file.write(json.dumps({"pid": os.getpid(), "host": platform.node()}).encode())
            file.flush()
            return file
        file.close()  # whoever held it has removed it meanwhile


def _is_at(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _holder(content: bytes) -> str:
    try:
        holder = parse_json(content)
        return f"process {holder['pid']} on {holder['host']}"
    except (ValueError, KeyError, TypeError):  # it has not written its name yet
        return "another process"
