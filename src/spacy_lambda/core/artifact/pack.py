"""A pipeline's folder -> an artifact."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, NoReturn

from spacy_lambda.core.artifact.manifest import FileEntry, Manifest
from spacy_lambda.core.artifact.safe_paths import is_followed, is_left_out, names_problem, path_below
from spacy_lambda.core.artifact.tar import chunks
from spacy_lambda.core.compiled_meta import precision_of
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.files import replacing
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.pipeline_meta import path_in, read_meta
from spacy_lambda.core.pipelines import find_pipeline, require_outside
from spacy_lambda.core.streams import CHUNK_BYTES
from spacy_lambda.errors import ArtifactError

__all__ = ["OnBytes", "Packed", "left_out", "manifest_of", "pack", "packed_digest", "require_new", "write_artifact"]


LISTED_KEYS = ("lang", "name", "version", "description", "license", "spacy_version", "requirements", "pipeline")
"""Keys of ``meta.json`` that listings show."""

OnBytes = Callable[[int, int], None]
"""Called with the number of bytes done and in all."""


@dataclass(frozen=True)
class Packed:
    """A packed artifact.

    :param path: The file.
    :param sha256: Its digest.
    :param size: Bytes.
    :param manifest: Its manifest.
    :param left_out: Files and folders of the pipeline that are not in it, see :func:`~.safe_paths.is_left_out`.
    """

    path: Path
    sha256: Digest
    size: int
    manifest: Manifest
    left_out: tuple[str, ...] = ()


def pack(
    pipeline: str | Path, out: Path, *, replace_it: bool = True, on_bytes: OnBytes = lambda done, total: None
) -> Packed:
    """Pack a pipeline; the file appears complete or not at all.

    The same files give the same bytes on any machine, at any time, with any owner and any order of the folder.

    :param pipeline: A pipeline folder, or the name of an installed pipeline package.
    :param out: The artifact's file, or an existing folder for ``LANG_NAME-VERSION.tar``.
    :param replace_it: Replace a file that exists.
    :param on_bytes: Called with the progress.
    :raises PipelineNotFoundError: If there is no such pipeline.
    :raises InvalidPipelineError: If its ``meta.json`` is invalid.
    :raises ArtifactError: If a file cannot be part of an artifact, or the artifact's file exists and is to stay, or
        is in a pipeline's folder.
    """
    folder = find_pipeline(pipeline)
    manifest = manifest_of(folder)
    target = path_in(out, f"{manifest.pipeline_name}.tar") if out.is_dir() else out
    require_outside(target)
    if not replace_it:
        require_new(target)
    return replace(write_artifact(folder, manifest, target, on_bytes=on_bytes), left_out=tuple(sorted(_left(folder))))


def require_new(target: Path) -> None:
    """Refuse to replace a file.

    :raises ArtifactError: If it exists.
    """
    if target.exists():
        raise ArtifactError(f"{target} exists", remedy="choose another file, or replace it with --force")


def write_artifact(
    folder: Path, manifest: Manifest, target: Path, *, on_bytes: OnBytes = lambda done, total: None
) -> Packed:
    """Pack a folder whose manifest is known; see :func:`pack`.

    :raises ArtifactError: If a file does not match the manifest, or the target cannot be written.
    """
    try:
        with replacing(target) as file:
            digest, size = _write(file, folder, manifest, on_bytes)
    except OSError as exc:
        raise ArtifactError(
            f"{folder} cannot be packed into {target}: {system_reason(exc)}",
            remedy="check the permissions and the space there, or choose another file",
        ) from exc
    return Packed(target, digest, size, manifest)


def _write(file: IO[bytes], folder: Path, manifest: Manifest, on_bytes: OnBytes) -> tuple[Digest, int]:
    digest = hashlib.sha256()
    size = 0
    for chunk in chunks(manifest, lambda entry: _contents(_source(folder, entry.path), entry)):
        file.write(chunk)
        digest.update(chunk)
        size += len(chunk)
        on_bytes(min(size, manifest.total_bytes), manifest.total_bytes)
    return Digest(digest.hexdigest()), size


def manifest_of(folder: Path) -> Manifest:
    """Return the manifest of a folder's artifact; every file is read.

    :raises InvalidPipelineError: If it has no readable ``meta.json``.
    :raises ArtifactError: If a file cannot be part of an artifact.
    """
    meta = read_meta(folder / "meta.json")
    paths = sorted(_files(folder))
    problem = names_problem(paths)
    if problem is not None:
        raise ArtifactError(f"{folder} cannot be packed: {problem}", remedy="rename or remove that file")
    listed = {key: meta[key] for key in LISTED_KEYS if key in meta}
    precision = precision_of(meta)
    if precision is not None:
        listed["precision"] = precision
    return Manifest(listed, tuple(_entry(folder, path) for path in paths))


def packed_digest(folder: Path) -> Digest:
    """Return the digest of a folder's artifact without writing that; every file is read.

    :raises InvalidPipelineError: If it has no readable ``meta.json``.
    :raises ArtifactError: If a file cannot be part of an artifact.
    """
    manifest = manifest_of(folder)
    digest = hashlib.sha256()
    try:
        for chunk in chunks(manifest, lambda entry: _contents(_source(folder, entry.path), entry)):
            digest.update(chunk)
    except OSError as exc:
        _fail(exc)
    return Digest(digest.hexdigest())


def left_out(folder: str, names: list[str]) -> list[str]:
    """Return the names of a folder that artifacts omit: an ``ignore`` of :func:`shutil.copytree`."""
    return [name for name in names if is_left_out(name)]


def _files(folder: Path) -> Iterator[str]:
    for root, folders, files in os.walk(folder, onerror=_fail):
        folders[:] = [name for name in folders if not is_left_out(name)]
        kept = [name for name in files if not is_left_out(name)]
        for name in [*folders, *kept]:
            path = Path(root, name)
            plain = is_followed(folder, path) if path.is_symlink() else path.is_file() or path.is_dir()
            if not plain:
                raise ArtifactError(
                    f"{path} is a link out of the pipeline's folder, or not a plain file",
                    remedy="replace it with a copy of what it points to, for example with cp -rL",
                )
        for name in kept:
            yield Path(root, name).relative_to(folder).as_posix()


def _fail(error: OSError) -> NoReturn:
    """Refuse a folder that cannot be read; without this, it would be missing in silence."""
    raise ArtifactError(
        f"{error.filename} cannot be read: {system_reason(error)}", remedy="check its permissions"
    ) from error


def _left(folder: Path) -> Iterator[str]:
    """Yield what is omitted; of a folder, its name alone."""
    for root, folders, files in os.walk(folder):
        for name in left_out(root, [*folders, *files]):
            yield Path(root, name).relative_to(folder).as_posix()
        folders[:] = [name for name in folders if not is_left_out(name)]


def _entry(folder: Path, path: str) -> FileEntry:
    try:
        file = (folder / path).open("rb")
    except OSError as exc:
        _fail(exc)
    with file:
        digest = Digest(hashlib.file_digest(file, "sha256").hexdigest())
        return FileEntry(path, file.tell(), digest)


def _source(folder: Path, name: str) -> Path:
    path = folder / name
    return path.resolve() if path.is_symlink() and is_followed(folder, path) else path_below(folder, name)


def _contents(path: Path, entry: FileEntry) -> Iterator[bytes]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            yield chunk
    if digest.hexdigest() != entry.sha256:
        raise ArtifactError(f"{path} changed while it was packed", remedy="pack it again when nothing writes to it")
