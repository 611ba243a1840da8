"""A folder for results, on this machine or in S3."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Protocol, cast

__all__ = ["Destination", "FolderDestination"]

PART = ".part"
"""Suffix of a hidden file that is being written."""


class Destination(Protocol):
    """A folder for results; a file in it appears whole or not at all. Names are relative, with ``/``."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file, or replace it."""
        ...

    def writing(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a file to be written; it appears when the block ends, unless with an exception."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return a file's content, or ``None`` if it does not exist."""
        ...

    def has(self, name: str) -> bool:
        """Return whether a file exists."""
        ...

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the sizes of the files whose names begin so."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        ...

    def remove_folder(self) -> None:
        """Remove the folder and the folders in it, if there are no files."""
        ...


class FolderDestination:
    """A folder on this machine.

    :param folder: The folder; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: bytes) -> None:
        with self.writing(name) as file:
            file.write(content)

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=PART, delete=False) as file:
            try:
                yield cast(BinaryIO, file)
                file.flush()
                os.fsync(file.fileno())
                os.chmod(file.name, 0o666 & ~_umask())
                os.replace(file.name, path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise

    def read(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def sizes(self, prefix: str) -> dict[str, int]:
        found = {}
        start = self.folder / prefix.rpartition("/")[0]
        for root, _, names in os.walk(start):
            for name in names:
                path = Path(root, name)
                relative = path.relative_to(self.folder).as_posix()
                if relative.startswith(prefix) and not name.startswith("."):
                    found[relative] = path.stat().st_size
        return found

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def remove_folder(self) -> None:
        for root, _, names in os.walk(self.folder, topdown=False):
            for name in names:
                if name.startswith(".") and name.endswith(PART):  # of a process that was killed
                    Path(root, name).unlink(missing_ok=True)
            with suppress(OSError):
                os.rmdir(root)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
