"""An artifact -> a pipeline's folder, which appears complete and verified or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from spacy_lambda.core.artifact.extract import Extracted, extract
from spacy_lambda.core.artifact.manifest import Manifest
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.files import folder_beside
from spacy_lambda.core.streams import Readable
from spacy_lambda.errors import ArtifactError

__all__ = ["unpack", "unpack_stream"]


def unpack(
    artifact: Path,
    out: Path,
    *,
    sha256: Digest | None = None,
    on_bytes: Callable[[int], None] = lambda done: None,
) -> Manifest:
    """Unpack an artifact into a new folder, which appears complete and verified or not at all.

    :param artifact: The file.
    :param out: The pipeline's folder; it must be missing or empty.
    :param sha256: The expected digest.
    :param on_bytes: Called with the number of bytes read so far.
    :raises ArtifactError: If the artifact is damaged or has another digest, or ``out`` is not empty.
    """
    with _open(artifact) as file:
        return unpack_stream(file, out, sha256=sha256, on_bytes=on_bytes).manifest


def unpack_stream(
    stream: Readable,
    out: Path,
    *,
    sha256: Digest | None = None,
    check: Callable[[Path, Extracted], None] = lambda folder, extracted: None,
    on_bytes: Callable[[int], None] = lambda done: None,
) -> Extracted:
    """Unpack an artifact from a stream; see :func:`unpack`.

    :param check: Called with the unpacked folder and the manifest before ``out`` appears; may raise.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ArtifactError(f"{out} exists", remedy="choose another folder, or remove it first")
    try:
        with folder_beside(out) as scratch:
            extracted = extract(stream, scratch / "pipeline", sha256=sha256, on_bytes=on_bytes)
            check(scratch / "pipeline", extracted)
            if out.exists():
                out.rmdir()
            os.replace(scratch / "pipeline", out)
    except OSError as exc:
        raise ArtifactError(
            f"the artifact cannot be unpacked into {out}: {exc}",
            remedy="free disk space there, or choose another folder",
        ) from exc
    return extracted


def _open(artifact: Path) -> BinaryIO:
    try:
        if artifact.exists() and not artifact.is_file():  # opening a pipe would block
            raise ArtifactError(f"{artifact} is not a file", remedy="give the artifact's file")
        return artifact.open("rb")
    except OSError as exc:
        raise ArtifactError(f"{artifact} cannot be read: {exc.strerror}", remedy="check the path") from exc
