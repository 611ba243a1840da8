"""An artifact -> a pipeline's folder, which appears complete and verified or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from spacy_lambda.core.artifact.extract import Extracted, extract
from spacy_lambda.core.artifact.manifest import Manifest
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.files import folder_beside, move_folder_into_place
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.pipelines import require_replaceable
from spacy_lambda.core.streams import Readable
from spacy_lambda.errors import ArtifactError

__all__ = ["unpack", "unpack_stream"]


def unpack(
    artifact: Path,
    out: Path,
    *,
    sha256: Digest | None = None,
    force: bool = False,
    on_bytes: Callable[[int], None] = lambda done: None,
) -> Manifest:
    """Unpack an artifact into a new folder, which appears complete and verified or not at all.

    :param artifact: The file.
    :param out: The pipeline's folder; it must be missing or empty.
    :param sha256: The expected digest.
    :param force: Replace ``out`` if it is a pipeline.
    :param on_bytes: Called with the number of bytes read so far.
    :raises ArtifactError: If the artifact is damaged or has another digest, or ``out`` is not empty.
    """
    with _open(artifact) as file:
        return unpack_stream(file, out, sha256=sha256, force=force, on_bytes=on_bytes).manifest


def unpack_stream(
    stream: Readable,
    out: Path,
    *,
    sha256: Digest | None = None,
    check: Callable[[Path, Extracted], None] = lambda folder, extracted: None,
    force: bool = False,
    on_bytes: Callable[[int], None] = lambda done: None,
) -> Extracted:
    """Unpack an artifact from a stream; see :func:`unpack`.

    :param check: Called with the unpacked folder and the manifest before ``out`` appears; may raise.
    """
    require_replaceable(out, force=force)
    try:
        with folder_beside(out) as scratch:
            extracted = extract(stream, scratch / "pipeline", sha256=sha256, on_bytes=on_bytes)
            check(scratch / "pipeline", extracted)
            move_folder_into_place(scratch / "pipeline", out)
    except OSError as exc:
        raise ArtifactError(
            f"the artifact cannot be unpacked into {out}: {system_reason(exc)}",
            remedy="free disk space there, or choose another folder",
        ) from exc
    return extracted


def _open(artifact: Path) -> BinaryIO:
    try:
        if artifact.exists() and not artifact.is_file():  # opening a pipe would block
            raise ArtifactError(f"{artifact} is not a file", remedy="give the artifact's file")
        return artifact.open("rb")
    except OSError as exc:
        raise ArtifactError(f"{artifact} cannot be read: {system_reason(exc)}", remedy="check the path") from exc
