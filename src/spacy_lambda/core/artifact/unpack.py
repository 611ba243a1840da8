"""An artifact -> a pipeline's folder, every byte of it verified."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Protocol

from spacy_lambda.core.artifact.manifest import (
    BLOCK,
    END,
    FOLDER,
    MANIFEST,
    MANIFEST_DIGEST,
    MAX_MANIFEST_BYTES,
    REMEDY,
    FileEntry,
    Manifest,
    digest_line,
    header,
    padding,
    parse_manifest,
)
from spacy_lambda.core.artifact.safe_paths import path_below
from spacy_lambda.core.artifact.worker import Background
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.lambda_limits import MAX_EPHEMERAL_BYTES
from spacy_lambda.errors import ArtifactError

__all__ = [
    "MAX_ARTIFACT_BYTES",
    "MAX_TOTAL_BYTES",
    "Extracted",
    "Readable",
    "check_stream",
    "extract",
    "flush_folder",
    "read_manifest",
    "read_stream_file",
    "unpack",
    "unpack_stream",
]

ZIP = b"PK\x03\x04"
"""How zips begin, and wheels."""

ZIP_REMEDY = (
    "make an artifact of it: `spacy-lambda pack FILE pipeline.tar`; or install the wheel, and give its package's name"
)

CHUNK = 1 << 20
FLUSH_EVERY = 16 * CHUNK
"""The disk begins to write while the network still brings more."""

MAX_TOTAL_BYTES = MAX_EPHEMERAL_BYTES
"""Most that is unpacked where nothing else is said: what Lambda's largest ``/tmp`` holds."""


MAX_ARTIFACT_BYTES = MAX_TOTAL_BYTES + 64 * 1024**2
"""The same with what an artifact adds to its files."""


class Readable(Protocol):
    """A stream that gives at most so many bytes."""

    def read(self, size: int, /) -> bytes | memoryview: ...


@dataclass(frozen=True)
class Extracted:
    """What came out of an artifact.

    :param manifest: What it holds.
    :param sha256: Of the whole artifact: its identity.
    """

    manifest: Manifest
    sha256: Digest


class _Reader:
    """Reads a stream exactly, and hashes all of it on the way."""

    def __init__(
        self, stream: Readable, on_bytes: Callable[[int], None] = lambda done: None, hashing: Background | None = None
    ) -> None:
        self._stream = stream
        self._on_bytes = on_bytes
        self._hashing = hashing
        self.digest = hashlib.sha256()
        self.position = 0

    def some(self, most: int) -> bytes | memoryview:
        """At least one byte and at most so many."""
        data = self._stream.read(most)
        if not data:
            raise ArtifactError(f"the artifact ends at byte {self.position:,}, in the middle", remedy=REMEDY)
        if self._hashing is not None:
            self._hashing.do(partial(self.digest.update, data))
        self.position += len(data)
        self._on_bytes(self.position)
        return data

    def exactly(self, size: int) -> bytes:
        """So many bytes."""
        parts = []
        while size:
            parts.append(self.some(size))
            size -= len(parts[-1])
        return b"".join(parts)

    def expect(self, data: bytes, what: str) -> None:
        """Bytes that are known beforehand."""
        begin = self.position
        if self.exactly(len(data)) != data:
            raise ArtifactError(f"{what} at byte {begin:,} is not what the manifest says", remedy=REMEDY)

    def end(self) -> None:
        """Nothing more."""
        if self._stream.read(1):
            raise ArtifactError(f"the artifact goes on after its end at byte {self.position:,}", remedy=REMEDY)


def unpack(
    artifact: Path,
    out: Path,
    *,
    sha256: Digest | None = None,
    on_bytes: Callable[[int], None] = lambda done: None,
) -> Manifest:
    """Unpack an artifact into a new folder, which appears whole and verified or not at all.

    :param artifact: The file.
    :param out: The pipeline's folder; must not exist, or be empty.
    :param sha256: The artifact's identity; anything else is refused.
    :param on_bytes: Told how many bytes are done.
    :raises ArtifactError: When a byte of it is not what it should be, or ``out`` is taken.
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
    """The same from a stream.

    :param check: Called with the unpacked folder and what came out of the artifact before ``out`` appears; may raise.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ArtifactError(f"{out} exists", remedy="choose another folder, or remove it first")
    scratch = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        extracted = extract(stream, scratch / "pipeline", sha256=sha256, on_bytes=on_bytes)
        check(scratch / "pipeline", extracted)
        if out.exists():
            out.rmdir()
        os.replace(scratch / "pipeline", out)
    except OSError as exc:
        raise ArtifactError(
            f"the artifact cannot be unpacked into {out}: {exc}", remedy="make room there, or choose another folder"
        ) from exc
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    return extracted


def read_manifest(artifact: Path) -> Manifest:
    """Read what an artifact says that it holds; its files are not looked at.

    :raises ArtifactError: When it is no artifact.
    """
    with _open(artifact) as file:
        return _manifest(_Reader(file))


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

    When this raises, the folder may be there in part: the caller writes into a scratch folder and renames it.

    :param stream: The artifact's bytes.
    :param folder: Must not exist.
    :param sha256: The artifact's identity; anything else is refused. Each file is compared with the manifest as well.
    :param max_bytes: Most that is written.
    :param on_manifest: Told what will be written, before anything is.
    :param on_bytes: Told how many bytes are done.
    :raises ArtifactError: When a byte of it is not what it should be.
    """
    extracted = _extract(stream, folder, sha256, max_bytes, on_manifest, on_bytes)
    for root, _, _ in os.walk(folder):
        flush_folder(Path(root))
    return extracted


def check_stream(stream: Readable, *, sha256: Digest | None = None, max_bytes: int = MAX_TOTAL_BYTES) -> Extracted:
    """Read an artifact as :func:`extract` does, and write nothing.

    :param sha256: The artifact's identity; anything else is refused.
    :param max_bytes: Most that it may hold.
    :raises ArtifactError: When a byte of it is not what it should be.
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
    with Background() as hashing, Background() as flushing:
        reader = _Reader(stream, on_bytes, hashing)
        manifest = _manifest(reader)
        if manifest.total_bytes > max_bytes:
            raise ArtifactError(
                f"the artifact holds {manifest.total_bytes:,} bytes; the limit is {max_bytes:,}",
                remedy="give the function more /tmp, or compile the pipeline to int8",
            )
        on_manifest(manifest)
        if folder is not None:
            folder.mkdir()
        for entry in manifest.files:
            path = None if folder is None else path_below(folder, entry.path)
            reader.expect(header(f"{FOLDER}/{entry.path}", entry.size), f"the header of {entry.path}")
            _write(reader, entry, path, flushing)
            reader.expect(padding(entry.size), f"what follows {entry.path}")
        reader.expect(END, "the end")
        reader.end()
    found = Digest(reader.digest.hexdigest())
    if sha256 is not None and found != sha256:
        raise ArtifactError(
            f"the artifact is {found}, not {sha256}",
            remedy="check the location and the digest after '#sha256='",
        )
    return Extracted(manifest, found)


def read_stream_file(stream: Readable, path: str, *, max_bytes: int) -> tuple[Manifest, bytes]:
    """One file of an artifact beside its manifest; of the stream no more is read than that takes.

    :param path: The file's, in the pipeline's folder.
    :param max_bytes: Of the file.
    :raises ArtifactError: If there is no such file, it is larger, or it is not what the manifest says.
    """
    reader = _Reader(stream)
    manifest = _manifest(reader)
    for entry in manifest.files:
        reader.expect(header(f"{FOLDER}/{entry.path}", entry.size), f"the header of {entry.path}")
        if entry.path == path and entry.size <= max_bytes:
            data = reader.exactly(entry.size)
            if hashlib.sha256(data).hexdigest() != entry.sha256:
                raise ArtifactError(f"{path} is not what the manifest says", remedy=REMEDY)
            return manifest, data
        if entry.path >= path:
            break
        left = entry.size
        while left:
            left -= len(reader.some(min(left, CHUNK)))
        reader.expect(padding(entry.size), f"what follows {entry.path}")
    raise ArtifactError(f"the artifact has no {path} of at most {max_bytes:,} bytes", remedy=REMEDY)


def _manifest(reader: _Reader) -> Manifest:
    first = reader.exactly(BLOCK)
    if first.startswith(ZIP):
        raise ArtifactError("this is a zip or a wheel, and no artifact", remedy=ZIP_REMEDY)
    try:
        info = tarfile.TarInfo.frombuf(first, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as exc:
        raise ArtifactError(f"this is no artifact: {exc}", remedy="make one with `spacy-lambda pack`") from exc
    if info.name != MANIFEST or not 0 < info.size <= MAX_MANIFEST_BYTES or header(MANIFEST, info.size) != first:
        raise ArtifactError(
            f"this is no artifact: it begins with {info.name[:100]!r}", remedy="make one with `spacy-lambda pack`"
        )
    data = reader.exactly(info.size)
    reader.expect(padding(info.size), "what follows the manifest")
    line = digest_line(data)
    reader.expect(header(MANIFEST_DIGEST, len(line)) + line + padding(len(line)), "the manifest's digest")
    return parse_manifest(data)


def _write(reader: _Reader, entry: FileEntry, path: Path | None, flushing: Background) -> None:
    digest = hashlib.sha256()
    left, unflushed = entry.size, 0
    with _new_file(path) as file:
        while left:
            chunk = reader.some(min(left, CHUNK))
            digest.update(chunk)
            left -= len(chunk)
            if file is None:
                continue
            _write_all(file, chunk)
            unflushed += len(chunk)
            if unflushed >= FLUSH_EVERY:
                unflushed = 0
                flushing.do(partial(_flush, os.dup(file.fileno())))
        if file is not None:
            flushing.do(partial(_flush, os.dup(file.fileno())))
    if digest.hexdigest() != entry.sha256:
        raise ArtifactError(f"{entry.path} is not what the manifest says", remedy=REMEDY)


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
    """Bring a file to the disk, and close this handle of it."""
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder as durable as the files' contents."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open(artifact: Path) -> BinaryIO:
    try:
        if artifact.exists() and not artifact.is_file():  # a pipe would be waited for
            raise ArtifactError(f"{artifact} is no file", remedy="give the artifact's file")
        return artifact.open("rb")
    except OSError as exc:
        raise ArtifactError(f"{artifact} cannot be read: {exc.strerror}", remedy="check the path") from exc
