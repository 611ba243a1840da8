"""The tar around a manifest and its files, in its one canonical form: writing and reading its bytes."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from spacy_lambda.core.artifact.manifest import (
    MANIFEST,
    MANIFEST_DIGEST,
    MAX_MANIFEST_BYTES,
    REMEDY,
    FileEntry,
    Manifest,
    parse_manifest,
)
from spacy_lambda.core.artifact.worker import Worker
from spacy_lambda.core.streams import Readable
from spacy_lambda.errors import ArtifactError

__all__ = [
    "BLOCK",
    "END_OF_ARCHIVE",
    "TarReader",
    "artifact_size",
    "chunks",
    "digest_line",
    "file_header",
    "header",
    "padding",
]

BLOCK = 512
END_OF_ARCHIVE = bytes(2 * BLOCK)
"""The end of a tar."""

FOLDER = "pipeline"
"""Folder of the pipeline's files inside the artifact."""

ZIP = b"PK\x03\x04"
"""The beginning of zips and wheels."""

ZIP_REMEDY = (
    "make an artifact of it: `spacy-lambda pack FILE pipeline.tar`; or install the wheel, and give its package's name"
)


def header(name: str, size: int) -> bytes:
    """Return the tar header of a file; owner, time and mode are the same for all.

    :raises ArtifactError: If the name or the size does not fit into it.
    """
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o644, 0
    try:
        return info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")
    except ValueError as exc:
        raise ArtifactError(
            f"{name!r} ({size:,} bytes) cannot be in an artifact: {exc}",
            remedy="give the file a shorter name; the longest is about 100 bytes, and the largest file 8 GB",
        ) from exc


def file_header(entry: FileEntry) -> bytes:
    """Return the tar header of one of the pipeline's files."""
    return header(f"{FOLDER}/{entry.path}", entry.size)


def padding(size: int) -> bytes:
    """Return the bytes between a file's contents and the next full block."""
    return bytes(-size % BLOCK)


def digest_line(manifest: bytes) -> bytes:
    """Return the contents of ``manifest.sha256``, in the form of ``sha256sum``."""
    return f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode("ascii")


def chunks(manifest: Manifest, contents: Callable[[FileEntry], Iterable[bytes]]) -> Iterator[bytes]:
    """Yield an artifact's bytes, in order.

    :param contents: Returns the bytes of one file, in chunks of any size.
    """
    data = manifest.to_bytes()
    for name, content in ((MANIFEST, data), (MANIFEST_DIGEST, digest_line(data))):
        yield header(name, len(content)) + content + padding(len(content))
    for entry in manifest.files:
        yield file_header(entry)
        yield from contents(entry)
        yield padding(entry.size)
    yield END_OF_ARCHIVE


def artifact_size(manifest: Manifest) -> int:
    """Return the bytes of the whole artifact."""
    data = manifest.to_bytes()
    sizes = (len(data), len(digest_line(data)), *(entry.size for entry in manifest.files))
    return sum(BLOCK + size + -size % BLOCK for size in sizes) + len(END_OF_ARCHIVE)


class TarReader:
    """A reader that compares an artifact's bytes with the expected ones and hashes them.

    :param stream: The artifact's bytes.
    :param on_bytes: Called with the number of bytes read so far.
    :param hashing: Hashes in its thread; without it, nothing is hashed.
    """

    def __init__(
        self, stream: Readable, on_bytes: Callable[[int], None] = lambda done: None, hashing: Worker | None = None
    ) -> None:
        self._stream = stream
        self._on_bytes = on_bytes
        self._hashing = hashing
        self.digest = hashlib.sha256()
        self.position = 0

    def some(self, max_bytes: int) -> bytes | memoryview:
        """Read at least one byte and at most ``max_bytes``."""
        data = self._stream.read(max_bytes)
        if not data:
            raise ArtifactError(f"the artifact is truncated at byte {self.position:,}", remedy=REMEDY)
        if self._hashing is not None:
            self._hashing.do(partial(self.digest.update, data))
        self.position += len(data)
        self._on_bytes(self.position)
        return data

    def exactly(self, size: int) -> bytes:
        """Read exactly ``size`` bytes."""
        parts = []
        while size:
            parts.append(self.some(size))
            size -= len(parts[-1])
        return b"".join(parts)

    def expect(self, data: bytes, what: str) -> None:
        """Read bytes that are known beforehand.

        :param what: Their name in the error.
        :raises ArtifactError: If they differ.
        """
        begin = self.position
        if self.exactly(len(data)) != data:
            raise ArtifactError(f"{what} at byte {begin:,} does not match the manifest", remedy=REMEDY)

    def end(self) -> None:
        """Check that the stream has ended."""
        if self._stream.read(1):
            raise ArtifactError(f"the artifact has trailing data at byte {self.position:,}", remedy=REMEDY)

    def manifest(self) -> Manifest:
        """Read the manifest, with which an artifact begins.

        :raises ArtifactError: If the stream is not an artifact.
        """
        first = self.exactly(BLOCK)
        if first.startswith(ZIP):
            raise ArtifactError("this is a zip or a wheel, not an artifact", remedy=ZIP_REMEDY)
        try:
            info = tarfile.TarInfo.frombuf(first, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError) as exc:
            raise ArtifactError(f"this is not an artifact: {exc}", remedy="make one with `spacy-lambda pack`") from exc
        if info.name != MANIFEST or not 0 < info.size <= MAX_MANIFEST_BYTES or header(MANIFEST, info.size) != first:
            raise ArtifactError(
                f"this is not an artifact: it begins with {info.name[:100]!r}",
                remedy="make one with `spacy-lambda pack`",
            )
        data = self.exactly(info.size)
        self.expect(padding(info.size), "the padding of the manifest")
        line = digest_line(data)
        self.expect(header(MANIFEST_DIGEST, len(line)) + line + padding(len(line)), "the manifest's digest")
        return parse_manifest(data)
