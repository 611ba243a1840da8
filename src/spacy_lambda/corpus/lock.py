"""A lock against two runs into one destination."""

from __future__ import annotations

import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import CorpusError

__all__ = ["locked"]


@contextmanager
def locked(path: Path, destination: str) -> Iterator[None]:
    """Hold a lock in the block. The system releases it when the process dies, whatever is left of the file.

    :param path: The lock's file, which is removed at the end, with folders that are then empty.
    :param destination: What it is for, for the error.
    :raises CorpusError: If another process, or another thread of this one, holds it.
    """
    missing = [folder for folder in list(path.parents)[:2] if not folder.exists()]
    file = _acquire(path, destination)
    try:
        yield
    finally:
        if _is_at(path, file):
            path.unlink()
        file.close()
        for folder in missing:
            with suppress(OSError):  # it has files
                folder.rmdir()


def _acquire(path: Path, destination: str) -> BinaryIO:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("r+b" if path.exists() else "x+b")
        except (FileNotFoundError, FileExistsError):  # another process has removed or made it
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with file:
                raise _held(file.read(1000), destination) from None
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


def _held(content: bytes, destination: str) -> CorpusError:
    try:
        holder = parse_json(content)
        who = f"process {holder['pid']} on {holder['host']}"
    except (ValueError, KeyError, TypeError):  # it has not written its name yet
        who = "another process"
    return CorpusError(
        f"{destination} is being annotated by {who}", remedy="wait for it to end, or choose another destination"
    )
