"""Artifacts in a folder: a file, or a store in the layout of :mod:`~spacy_lambda.core.source.layout`."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from spacy_lambda.core.artifact.safe_paths import path_below
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.location import Location
from spacy_lambda.core.pipelines import is_stored
from spacy_lambda.core.source.found_artifact import FoundArtifact
from spacy_lambda.core.source.layout import MAX_SMALL_BYTES, artifact_key, resolve
from spacy_lambda.errors import NotStoredError, StoreError

__all__ = ["find_in_folder", "read_small_file"]


def find_in_folder(location: Location) -> FoundArtifact | None:
    """Find an artifact; ``None`` where the location is neither a file nor in a store.

    :raises NotStoredError: If the file is missing, or the store has no such artifact.
    :raises StoreError: If it cannot be read.
    """
    path = Path(location.path)
    if location.is_artifact and not path.exists():
        raise NotStoredError(f"the artifact {path} does not exist", remedy="check the path")
    if path.is_file():
        return _found(location, path, location.sha256)
    if not is_stored(path):
        return None

    def below(key: str) -> Path:
        return path_below(path, key.partition("/")[2])

    digest = resolve(location, lambda key: read_small_file(below(key)))
    return _found(location, below(artifact_key(path.name, digest)), digest)


def _found(location: Location, path: Path, digest: Digest | None) -> FoundArtifact:
    try:
        size = path.stat().st_size
    except FileNotFoundError as exc:
        raise NotStoredError(
            f"{location}: {path} does not exist", remedy=f"list the pipelines with `spacy-lambda ls {path.parents[2]}`"
        ) from exc
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    return FoundArtifact(str(location), digest, size, lambda: _open(path))


class _File:
    """An artifact's file; errors while reading become errors of spacy-lambda."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path

    def read(self, size: int, /) -> bytes:
        try:
            return self._file.read(size)
        except OSError as exc:
            raise _unreadable(self._path, exc) from exc


@contextmanager
def _open(path: Path) -> Iterator[_File]:
    try:
        file = path.open("rb")
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    with file:
        yield _File(file, path)


def read_small_file(path: Path) -> bytes | None:
    """Return the contents of a pointer or a signature; ``None`` if it does not exist.

    :raises StoreError: If it cannot be read, is not a regular file, or is too large.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise StoreError(f"{path} is not a plain file", remedy="remove it, and push the pipeline again")
        with path.open("rb") as file:
            data = file.read(MAX_SMALL_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    if len(data) > MAX_SMALL_BYTES:
        raise StoreError(f"{path} has more than {MAX_SMALL_BYTES:,} bytes", remedy="push the pipeline again")
    return data


def _unreadable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path} cannot be read: {error.strerror}", remedy="check its permissions")
