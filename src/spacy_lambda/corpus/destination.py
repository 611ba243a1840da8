"""A folder for results, on this machine or in S3."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from spacy_lambda.core.digest import Digest
from spacy_lambda.core.files import replacing, unfinished_files
from spacy_lambda.corpus.lock import locked

__all__ = ["Destination", "FolderDestination"]


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

    def size(self, name: str) -> int | None:
        """Return a file's size, or ``None`` if it does not exist."""
        ...

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the sizes of the files whose names begin so."""
        ...

    def digest(self, name: str) -> Digest | None:
        """Return a file's digest; ``None`` if the file would have to be transferred, or does not exist."""
        ...

    def lock(self, name: str, destination: str) -> AbstractContextManager[None]:
        """Keep other runs out of the folder in the block, where that is possible.

        :param name: The lock's file.
        :param destination: The destination, for the error.
        :raises CorpusError: If another run is in it.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        ...

    def remove_unfinished(self, names: Iterable[str], folder: str | None = None) -> None:
        """Remove what killed processes have left of files that they were writing.

        :param names: The files.
        :param folder: A folder in which any file may be one of these.
        """
        ...

    def remove_folder(self) -> None:
        """Remove the folder and the folders in it, if there are no files but hidden ones."""
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
        with replacing(self.folder / name) as file:
            yield cast(BinaryIO, file)

    def read(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def size(self, name: str) -> int | None:
        try:
            return (self.folder / name).stat().st_size
        except FileNotFoundError:
            return None

    def sizes(self, prefix: str) -> dict[str, int]:
        found = {}
        start = self.folder / prefix.rpartition("/")[0]
        for root, _, names in os.walk(start):
            for name in names:
                path = Path(root, name)
                relative = path.relative_to(self.folder).as_posix()
                if relative.startswith(prefix) and not name.startswith("."):
                    with suppress(OSError):  # a link to nothing, or a file that another process has removed
                        found[relative] = path.stat().st_size
        return found

    def digest(self, name: str) -> Digest | None:
        try:
            with (self.folder / name).open("rb") as file:
                return Digest(hashlib.file_digest(file, "sha256").hexdigest())
        except FileNotFoundError:
            return None

    def lock(self, name: str, destination: str) -> AbstractContextManager[None]:
        return locked(self.folder / name, destination)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def remove_unfinished(self, names: Iterable[str], folder: str | None = None) -> None:
        by_parent: dict[Path, set[str]] = {}
        for name in names:
            path = self.folder / name
            by_parent.setdefault(path.parent, set()).add(path.name)
        for parent, files in by_parent.items():
            for path, target in unfinished_files(parent):
                if target in files:
                    path.unlink(missing_ok=True)
        if folder is not None:
            for root, _, _ in os.walk(self.folder / folder):
                for path, _ in unfinished_files(Path(root)):
                    path.unlink(missing_ok=True)

    def remove_folder(self) -> None:
        for root, _, names in os.walk(self.folder, topdown=False):
            for name in names:
                if name.startswith("."):  # of a process that was killed while it wrote
                    Path(root, name).unlink(missing_ok=True)
            with suppress(OSError):
                os.rmdir(root)
