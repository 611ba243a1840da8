"""Object storage in a folder, local or mounted."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from spacy_lambda.core.artifact.safe_paths import name_problem, path_below
from spacy_lambda.core.files import file_beside, files_below, flush, replacing
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.pipelines import require_outside
from spacy_lambda.core.source.folder import read_small_file
from spacy_lambda.core.streams import CHUNK_BYTES
from spacy_lambda.errors import StoreError

__all__ = ["FolderStorage"]


FOLDER_REMEDY = "check the folder's permissions and free space"


class FolderStorage:
    """Objects as files below a folder. See :class:`~spacy_lambda.store.protocol.ObjectStorage`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, key: str) -> bytes | None:
        """Return a file's contents, or ``None``."""
        return read_small_file(self._path(key))

    def create(self, key: str, data: bytes) -> bool:
        """Create a file by a hard link, which fails if the name exists; a rename would not."""
        target = self._path(key)
        with self._errors(key), file_beside(target) as (file, scratch):
            file.write(data)
            flush(file)
            try:
                os.link(scratch, target)
            except FileExistsError:
                return False
        return True

    def replace(self, key: str, data: bytes) -> None:
        """Replace a file by a rename."""
        target = self._path(key)
        with self._errors(key), replacing(target) as file:
            file.write(data)

    def upload(self, key: str, file: Path, *, sha256: str, on_bytes: Callable[[int, int], None]) -> int:
        """Copy a file, unless it exists with these contents."""
        target, size = self._path(key), file.stat().st_size
        require_outside(target, raises=StoreError)
        if _has_digest(target, sha256):
            return 0
        with self._errors(key), replacing(target) as copy, file.open("rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                copy.write(chunk)
                on_bytes(copy.tell(), size)
        return size

    def keys(self, prefix: str) -> dict[str, datetime]:
        """Return paths of files, relative to the root, with their times."""
        if not self._root.is_dir():
            state = "is a file, not a folder" if self._root.exists() else "does not exist"
            raise StoreError(f"the store {self._root} {state}", remedy="check the path, or push a pipeline there first")
        with self._errors(prefix):
            files = [path for path in files_below(self._root) if not path.name.startswith(".")]
            found = ((path.relative_to(self._root).as_posix(), path) for path in files)
            return {
                key: datetime.fromtimestamp(path.stat().st_mtime, UTC) for key, path in found if key.startswith(prefix)
            }

    def delete(self, key: str) -> None:
        """Delete a file."""
        with self._errors(key):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        """Return a path below a pipeline's folder, which may be a link to another disk; links in it are refused."""
        pipeline, _, rest = key.partition("/")
        why = name_problem(key)
        if why is not None:
            raise StoreError(f"{key!a} is not a valid name in a store: it {why}", remedy="write STORE/NAME@VERSION")
        return path_below(self._root / pipeline, rest)

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            free = f"; {shutil.disk_usage(self._root).free:,} bytes are free" if self._root.is_dir() else ""
            raise StoreError(
                f"{self._root / key}: {system_reason(exc)}{free}",
                remedy="give a folder, not a file" if isinstance(exc, NotADirectoryError) else FOLDER_REMEDY,
            ) from exc


def _has_digest(path: Path, sha256: str) -> bool:
    """Return whether a file exists with these contents; its name alone proves nothing."""
    try:
        with path.open("rb") as file:
            return path.is_file() and hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False
