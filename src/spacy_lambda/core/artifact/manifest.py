"""The manifest of an artifact: its type, and its JSON in one canonical form."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from spacy_lambda.core.artifact.safe_paths import names_problem
from spacy_lambda.core.digest import Digest, parse_digest
from spacy_lambda.core.pipeline_meta import PipelineName, pipeline_name
from spacy_lambda.core.strict_json import check_fields, read_json
from spacy_lambda.errors import ArtifactError, DigestError, JsonError

__all__ = [
    "MANIFEST",
    "MANIFEST_DIGEST",
    "MAX_FILES",
    "MAX_MANIFEST_BYTES",
    "REMEDY",
    "FileEntry",
    "Manifest",
    "parse_manifest",
]

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
MANIFEST_DIGEST = "manifest.sha256"
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
MAX_FILES = 5_000
MAX_FILE_BYTES = 8 * 1024**3 - 1
"""The largest size that a plain tar header can hold."""

FIELDS = {"files": list, "format_version": int, "pipeline": dict}
FILE_FIELDS = {"path": str, "sha256": str, "size": int}

REMEDY = "fetch the artifact again, or pack it again from the pipeline"


@dataclass(frozen=True)
class FileEntry:
    """One file of the pipeline.

    :param path: Relative to the pipeline's folder, with ``/``.
    :param size: Bytes.
    :param sha256: SHA-256 of its contents.
    """

    path: str
    size: int
    sha256: Digest


@dataclass(frozen=True)
class Manifest:
    """The contents of an artifact.

    :param pipeline: Parts of the pipeline's ``meta.json``, for listings; not used to load it.
    :param files: Every file, sorted by path.
    """

    pipeline: dict[str, Any]
    files: tuple[FileEntry, ...]
    format_version: int = FORMAT_VERSION

    @property
    def pipeline_name(self) -> PipelineName:
        """The pipeline's name, checked again, because a manifest may come from outside."""
        return pipeline_name(self.pipeline)

    @property
    def name(self) -> str:
        """``LANG_NAME``, as spaCy names a pipeline's package."""
        return self.pipeline_name.package

    @property
    def version(self) -> str:
        """The pipeline's version."""
        return self.pipeline_name.version

    @property
    def total_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def to_bytes(self) -> bytes:
        """Return the manifest as canonical JSON."""
        return (
            json.dumps(asdict(self), ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"
        )


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest and check everything that can be checked without the files.

    :raises ArtifactError: If it is invalid, not in its canonical form, or has an unsafe path.
    """
    try:
        content = read_json(data, name="the manifest", max_bytes=MAX_MANIFEST_BYTES)
        _check_version(content)
        whole = check_fields(content, FIELDS, name="the manifest")
        manifest = Manifest(whole["pipeline"], tuple(map(_entry, whole["files"])))
    except (JsonError, DigestError) as exc:
        raise ArtifactError(f"the manifest cannot be read: {exc.message}", remedy=REMEDY) from exc
    problem = _manifest_problem(manifest)
    if problem is None and manifest.to_bytes() != data:
        problem = "it is not in its canonical form"
    if problem is not None:
        raise ArtifactError(f"the manifest is refused: {problem}", remedy=REMEDY)
    return manifest


def _check_version(content: Any) -> None:
    """Refuse another format before its keys are checked."""
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


def _manifest_problem(manifest: Manifest) -> str | None:
    paths = [file.path for file in manifest.files]
    if len(paths) > MAX_FILES:
        return f"{len(paths):,} files; the limit is {MAX_FILES:,}"
    if paths != sorted(paths):
        return "its files are not sorted"
    if any(not 0 <= file.size <= MAX_FILE_BYTES for file in manifest.files):
        return "a file has an invalid size"
    return names_problem(paths)
