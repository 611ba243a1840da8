"""The digest of a pipeline's folder, for comparison with its artifact's."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from spacy_lambda.core.artifact.manifest import REMEDY, Manifest
from spacy_lambda.core.artifact.safe_paths import MAX_DEPTH
from spacy_lambda.core.artifact.tar import chunks
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.streams import CHUNK_BYTES
from spacy_lambda.errors import ArtifactError

__all__ = ["folder_digest"]


def folder_digest(folder: Path, manifest: Manifest) -> Digest:
    """Return the SHA-256 of the artifact that a folder's files make; other files are refused.

    It covers the manifest and every byte of the files. The caller compares it.

    :raises ArtifactError: If a file is missing or cannot be read, or is not in the manifest.
    """
    expected = {entry.path for entry in manifest.files}
    try:
        found = set(_names(folder))
    except OSError as exc:
        raise ArtifactError(f"{folder} cannot be read: {system_reason(exc)}", remedy=REMEDY) from exc
    for name in sorted(found ^ expected):
        state = "is missing" if name in expected else "is not in the manifest"
        raise ArtifactError(f"{folder / name} {state}", remedy=REMEDY)
    digest = hashlib.sha256()
    try:
        # Each name was found below the folder, so none leads out of it.
        for chunk in chunks(manifest, lambda entry: _contents(folder / entry.path)):
            digest.update(chunk)
    except OSError as exc:
        raise ArtifactError(f"{folder} cannot be read: {system_reason(exc)}", remedy=REMEDY) from exc
    return Digest(digest.hexdigest())


def _names(folder: Path) -> Iterator[str]:
    """Yield everything below a folder except folders; links are not followed."""
    waiting = [""]
    while waiting:
        inner = waiting.pop()
        if inner.count("/") > MAX_DEPTH:
            yield inner.rstrip("/")
            continue
        with os.scandir(folder / inner) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{inner}{entry.name}/")
                else:
                    yield f"{inner}{entry.name}"


def _contents(path: Path) -> Iterator[bytes]:
    if path.is_symlink():
        raise ArtifactError(f"{str(path)!r} is refused: it is a link", remedy=REMEDY)
    if not path.is_file():
        raise ArtifactError(f"{path} is not a plain file", remedy=REMEDY)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
