"""A pipeline's folder against the artifact that it came from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from ..digest import Digest
from ..errors import ArtifactError
from .form import REMEDY, Manifest, chunks
from .names import path_below

__all__ = ["folder_digest"]

CHUNK = 1 << 20


def folder_digest(folder: Path, manifest: Manifest) -> Digest:
    """The SHA-256 that the artifact of a folder has, which is made again from its files; nothing else may be in it.

    The digest covers the manifest and every byte of the files: the caller compares it.

    :raises ArtifactError: When a file is missing or cannot be read, or is not in the manifest.
    """
    expected = {entry.path for entry in manifest.files}
    found = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    }
    for name in sorted(found ^ expected):
        state = "is missing" if name in expected else "is not in the manifest"
        raise ArtifactError(f"{folder / name} {state}", remedy=REMEDY)
    digest = hashlib.sha256()
    try:
        for chunk in chunks(manifest, lambda entry: _contents(path_below(folder, entry.path))):
            digest.update(chunk)
    except OSError as exc:
        raise ArtifactError(f"{folder} cannot be read: {exc}", remedy=REMEDY) from exc
    return Digest(digest.hexdigest())


def _contents(path: Path) -> Iterator[bytes]:
    if path.is_symlink() or not path.is_file():
        raise ArtifactError(f"{path} is not a plain file", remedy=REMEDY)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
