"""The form of an artifact: its manifest, and the bytes around each file. Writer and reader share it."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from spacy_lambda.core.artifact.safe_paths import unsafe_names
from spacy_lambda.core.digest import Digest, parse_digest
from spacy_lambda.core.pipelines import PipelineName, pipeline_name
from spacy_lambda.core.strict_json import check_fields, read_json
from spacy_lambda.errors import ArtifactError, DigestError, JsonError

__all__ = [
    "BLOCK",
    "END",
    "MANIFEST",
    "MANIFEST_DIGEST",
    "FileEntry",
    "Manifest",
    "artifact_size",
    "chunks",
    "header",
    "padding",
    "parse_manifest",
]

FORMAT_VERSION = 1
BLOCK = 512
END = bytes(2 * BLOCK)
"""What a tar ends with."""

MANIFEST = "manifest.json"
MANIFEST_DIGEST = "manifest.sha256"
FOLDER = "pipeline"
"""Folder of the pipeline's files inside the artifact."""

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
MAX_FILES = 5_000
MAX_FILE_BYTES = 8 * 1024**3 - 1
"""The largest size that a plain tar header has room for."""

FIELDS = {"files": list, "format_version": int, "pipeline": dict}
FILE_FIELDS = {"path": str, "sha256": str, "size": int}

REMEDY = "fetch the artifact again, or pack it again from the pipeline"


@dataclass(frozen=True)
class FileEntry:
    """One file of the pipeline.

    :param path: Relative to the pipeline's folder, with ``/``.
    :param size: Bytes.
    :param sha256: Of its contents, in hexadecimal digits.
    """

    path: str
    size: int
    sha256: Digest


@dataclass(frozen=True)
class Manifest:
    """What an artifact holds.

    :param pipeline: Facts about the pipeline from its ``meta.json``, for listings; nothing is loaded by them.
    :param files: Every file, sorted by path.
    """

    pipeline: dict[str, Any]
    files: tuple[FileEntry, ...]
    format_version: int = FORMAT_VERSION

    @property
    def called(self) -> PipelineName:
        """What the pipeline is called; a manifest may come from outside, so that it is checked here again."""
        return pipeline_name(self.pipeline)

    @property
    def name(self) -> str:
        """``LANG_NAME``, as spaCy names a pipeline's package."""
        return self.called.package

    @property
    def version(self) -> str:
        """The pipeline's version."""
        return self.called.version

    @property
    def total_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def to_bytes(self) -> bytes:
        """The manifest as it stands in the artifact: JSON in one canonical form."""
        return (
            json.dumps(asdict(self), ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"
        )


def header(name: str, size: int) -> bytes:
    """The tar header of a file: owner, time and mode are the same for all.

    :raises ArtifactError: When the name or the size has no room in it.
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


def padding(size: int) -> bytes:
    """What follows a file's contents, up to the next full block."""
    return bytes(-size % BLOCK)


def digest_line(manifest: bytes) -> bytes:
    """The file beside the manifest that guards the manifest itself, in the form of ``sha256sum``."""
    return f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode("ascii")


def chunks(manifest: Manifest, contents: Callable[[FileEntry], Iterable[bytes]]) -> Iterator[bytes]:
    """An artifact's bytes, in order.

    :param contents: Gives the bytes of one file, in pieces of any size.
    """
    data = manifest.to_bytes()
    for name, content in ((MANIFEST, data), (MANIFEST_DIGEST, digest_line(data))):
        yield header(name, len(content)) + content + padding(len(content))
    for entry in manifest.files:
        yield header(f"{FOLDER}/{entry.path}", entry.size)
        yield from contents(entry)
        yield padding(entry.size)
    yield END


def artifact_size(manifest: Manifest) -> int:
    """Bytes of the whole artifact."""
    data = manifest.to_bytes()
    sizes = (len(data), len(digest_line(data)), *(entry.size for entry in manifest.files))
    return sum(BLOCK + size + -size % BLOCK for size in sizes) + len(END)


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest and check all that can be checked without the files.

    :raises ArtifactError: When it is not one, or not in its canonical form, or names what must not be written.
    """
    try:
        content = read_json(data, name="the manifest", max_bytes=MAX_MANIFEST_BYTES)
        _check_version(content)
        whole = check_fields(content, FIELDS, name="the manifest")
        manifest = Manifest(whole["pipeline"], tuple(map(_entry, whole["files"])))
    except (JsonError, DigestError) as exc:
        raise ArtifactError(f"the manifest cannot be read: {exc.message}", remedy=REMEDY) from exc
    wrong = _wrong(manifest)
    if wrong is None and manifest.to_bytes() != data:
        wrong = "it is not in its canonical form"
    if wrong is not None:
        raise ArtifactError(f"the manifest is refused: {wrong}", remedy=REMEDY)
    return manifest


def _check_version(content: Any) -> None:
    """Another format may have other keys."""
    version = content.get("format_version") if isinstance(content, dict) else None
    if type(version) is int and version != FORMAT_VERSION:
        raise ArtifactError(
            f"the artifact has format {version}; this version reads format {FORMAT_VERSION}",
            remedy="update spacy-lambda, or pack the pipeline again",
        )


def _entry(content: Any) -> FileEntry:
    file = check_fields(content, FILE_FIELDS, name="a file of the manifest")
    return FileEntry(
        file["path"], file["size"], parse_digest(file["sha256"], name=f"the sha256 of {file['path'][:100]!a}")
    )


def _wrong(manifest: Manifest) -> str | None:
    paths = [file.path for file in manifest.files]
    if len(paths) > MAX_FILES:
        return f"{len(paths):,} files; the limit is {MAX_FILES:,}"
    if paths != sorted(paths):
        return "its files are not sorted"
    if any(not 0 <= file.size <= MAX_FILE_BYTES for file in manifest.files):
        return "a file has an impossible size"
    return unsafe_names(paths)
