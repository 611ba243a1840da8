"""The bytes of an artifact -> its files, every byte verified."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from io import FileIO
from pathlib import Path

from spacy_lambda.core.artifact.manifest import REMEDY, FileEntry, Manifest
from spacy_lambda.core.artifact.safe_paths import path_below
from spacy_lambda.core.artifact.tar import END_OF_ARCHIVE, TarReader, file_header, padding
from spacy_lambda.core.artifact.worker import Worker
from spacy_lambda.core.compiled_meta import COMPILE_SMALLER
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.lambda_limits import MAX_EPHEMERAL_BYTES
from spacy_lambda.core.streams import CHUNK_BYTES, Readable
from spacy_lambda.errors import ArtifactError

__all__ = [
    "MAX_ARTIFACT_BYTES",
    "MAX_TOTAL_BYTES",
    "Extracted",
    "check_stream",
    "extract",
    "flush_folder",
    "read_stream_file",
]

FLUSH_INTERVAL_BYTES = 16 * CHUNK_BYTES
"""Bytes after which the disk begins to write, while the download goes on."""

MAX_TOTAL_BYTES = MAX_EPHEMERAL_BYTES
"""Default maximum of unpacked bytes: the largest ``/tmp`` of Lambda."""

MAX_ARTIFACT_BYTES = MAX_TOTAL_BYTES + 64 * 1024**2
"""The same with the manifest and the tar around the files."""


@dataclass(frozen=True)
class Extracted:
    """An artifact that was read to its end.

    :param manifest: Its manifest.
    :param sha256: Its digest.
    """

    manifest: Manifest
    sha256: Digest


def extract(
    stream: Readable,
    folder: Path,
    *,
    sha256: Digest | None = None,
    max_bytes: int = MAX_TOTAL_BYTES,
    on_manifest: Callable[[Manifest], None] = lambda manifest: None,
    on_bytes: Callable[[int], None] = lambda done: None,
) -> Extracted:
    """Write an artifact's files into a new folder while it is being read, and flush them to the disk.

    When this raises, the folder may be incomplete: the caller writes into a scratch folder and renames it.

    :param stream: The artifact's bytes.
    :param folder: Must not exist.
    :param sha256: The expected digest. Each file is compared with the manifest as well.
    :param max_bytes: Maximum bytes to write.
    :param on_manifest: Called with the manifest before anything is written.
    :param on_bytes: Called with the number of bytes read so far.
    :raises ArtifactError: If the artifact is damaged or has another digest.
    """
    extracted = _extract(stream, folder, sha256, max_bytes, on_manifest, on_bytes)
    for root, _, _ in os.walk(folder):
        flush_folder(Path(root))
    return extracted


def check_stream(stream: Readable, *, sha256: Digest | None = None, max_bytes: int = MAX_TOTAL_BYTES) -> Extracted:
    """Verify an artifact as :func:`extract` does, without writing it.

    :param sha256: The expected digest.
    :param max_bytes: Maximum bytes of its files.
    :raises ArtifactError: If the artifact is damaged or has another digest.
    """
    return _extract(stream, None, sha256, max_bytes, lambda manifest: None, lambda done: None)


def _extract(
    stream: Readable,
    folder: Path | None,
    sha256: Digest | None,
    max_bytes: int,
    on_manifest: Callable[[Manifest], None],
    on_bytes: Callable[[int], None],
) -> Extracted:
    with Worker() as hashing, Worker() as flushing:
        reader = TarReader(stream, on_bytes, hashing)
        manifest = reader.manifest()
        if manifest.total_bytes > max_bytes:
            raise ArtifactError(
                f"the artifact holds {manifest.total_bytes:,} bytes; the limit is {max_bytes:,}",
                remedy=f"give the function more /tmp, or {COMPILE_SMALLER}",
            )
        on_manifest(manifest)
        if folder is not None:
            folder.mkdir()
        for entry in manifest.files:
            path = None if folder is None else path_below(folder, entry.path)
            reader.expect(file_header(entry), f"the header of {entry.path}")
            _write(reader, entry, path, flushing)
            reader.expect(padding(entry.size), f"the padding of {entry.path}")
        reader.expect(END_OF_ARCHIVE, "the end")
        reader.end()
    found = Digest(reader.digest.hexdigest())
    if sha256 is not None and found != sha256:
        raise ArtifactError(
            f"the artifact has the digest {found}, not {sha256}",
            remedy="check the location and the digest after '#sha256='",
        )
    return Extracted(manifest, found)


def read_stream_file(stream: Readable, path: str, *, max_bytes: int) -> tuple[Manifest, bytes]:
    """Return the manifest and one file of an artifact, reading no further than that file.

    :param path: Its path in the pipeline's folder.
    :param max_bytes: Its maximum size.
    :raises ArtifactError: If the file is missing, larger, or does not match the manifest.
    """
    reader = TarReader(stream)
    manifest = reader.manifest()
    for entry in manifest.files:
        reader.expect(file_header(entry), f"the header of {entry.path}")
        if entry.path == path and entry.size <= max_bytes:
            data = reader.exactly(entry.size)
            if hashlib.sha256(data).hexdigest() != entry.sha256:
                raise ArtifactError(f"{path} does not match the manifest", remedy=REMEDY)
            return manifest, data
        if entry.path >= path:
            break
        left = entry.size
        while left:
            left -= len(reader.some(min(left, CHUNK_BYTES)))
        reader.expect(padding(entry.size), f"the padding of {entry.path}")
    raise ArtifactError(f"the artifact has no {path}, or it exceeds {max_bytes:,} bytes", remedy=REMEDY)


def _write(reader: TarReader, entry: FileEntry, path: Path | None, flushing: Worker) -> None:
    digest = hashlib.sha256()
    left, unflushed = entry.size, 0
    with _new_file(path) as file:
        while left:
            chunk = reader.some(min(left, CHUNK_BYTES))
            digest.update(chunk)
            left -= len(chunk)
            if file is None:
                continue
            _write_all(file, chunk)
            unflushed += len(chunk)
            if unflushed >= FLUSH_INTERVAL_BYTES:
                unflushed = 0
                flushing.do(partial(_flush, os.dup(file.fileno())))
        if file is not None:
            flushing.do(partial(_flush, os.dup(file.fileno())))
    if digest.hexdigest() != entry.sha256:
        raise ArtifactError(f"{entry.path} does not match the manifest", remedy=REMEDY)


def _new_file(path: Path | None) -> AbstractContextManager[FileIO | None]:
    if path is None:
        return nullcontext()
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("xb", buffering=0)


def _write_all(file: FileIO, data: bytes | memoryview) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _flush(handle: int) -> None:
    """Flush a file or a folder to the disk, and close this handle."""
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk."""
    _flush(os.open(folder, os.O_RDONLY))
