"""A pipeline's folder -> an artifact."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import ArtifactError
from ..manifest import precision_of
from ..pipelines import find_pipeline, path_in, read_meta
from .form import FileEntry, Manifest, chunks
from .names import unsafe_names

__all__ = ["LEFT_OUT", "OnBytes", "Packed", "manifest_of", "pack", "write_artifact"]

CHUNK = 1 << 20
LEFT_OUT = ("__pycache__", ".DS_Store", ".git", ".gitattributes", ".ipynb_checkpoints")
"""What tools leave in folders, and no pipeline needs."""

TOLD = ("lang", "name", "version", "description", "license", "spacy_version", "requirements", "pipeline")
"""Keys of ``meta.json`` that listings show."""

OnBytes = Callable[[int, int], None]
"""Told how many bytes are done, and how many there are."""


@dataclass(frozen=True)
class Packed:
    """A packed artifact.

    :param path: The file.
    :param sha256: Of the whole file, in hexadecimal digits: the artifact's identity.
    :param size: Bytes.
    :param manifest: What it holds.
    """

    path: Path
    sha256: str
    size: int
    manifest: Manifest


def pack(pipeline: str | Path, out: Path, *, on_bytes: OnBytes = lambda done, total: None) -> Packed:
    """Pack a pipeline; the file appears whole or not at all.

    The same files give the same bytes, whatever the machine, the time, the owner and the order of the folder.

    :param pipeline: A pipeline directory, or the name of an installed pipeline package.
    :param out: The artifact's file, or an existing folder for ``LANG_NAME-VERSION.tar``.
    :param on_bytes: Told about progress.
    :raises PipelineNotFoundError: When there is no such pipeline.
    :raises ArtifactError: When the folder holds what an artifact cannot.
    """
    folder = find_pipeline(pipeline)
    manifest = manifest_of(folder)
    target = path_in(out, f"{manifest.called}.tar") if out.is_dir() else out
    return write_artifact(folder, manifest, target, on_bytes=on_bytes)


def write_artifact(
    folder: Path, manifest: Manifest, target: Path, *, on_bytes: OnBytes = lambda done, total: None
) -> Packed:
    """The same for a folder whose manifest is known.

    :raises ArtifactError: When a file is not what the manifest says.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    size = 0
    handle, scratch = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(handle, "wb") as file:
            for chunk in chunks(manifest, lambda entry: _contents(folder / entry.path, entry)):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                on_bytes(min(size, manifest.total_bytes), manifest.total_bytes)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(scratch, 0o644)
        os.replace(scratch, target)
    except BaseException:
        os.unlink(scratch)
        raise
    return Packed(target, digest.hexdigest(), size, manifest)


def manifest_of(folder: Path) -> Manifest:
    """What an artifact of this folder would say that it holds; every file is read.

    :raises PipelineNotFoundError: When it has no ``meta.json`` that can be read.
    :raises ArtifactError: When it holds what an artifact cannot.
    """
    meta = read_meta(folder / "meta.json")
    paths = sorted(_files(folder))
    wrong = unsafe_names(paths)
    if wrong is not None:
        raise ArtifactError(f"{folder} cannot be packed: {wrong}", remedy="rename or remove that file")
    told = {key: meta[key] for key in TOLD if key in meta}
    precision = precision_of(meta)
    if precision is not None:
        told["precision"] = precision
    return Manifest(told, tuple(_entry(folder, path) for path in paths))


def _files(folder: Path) -> Iterator[str]:
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        for name in [*folders, *files]:
            path = Path(root, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise ArtifactError(
                    f"{path} is a link or not a plain file",
                    remedy="replace it with a copy of what it points to, for example with cp -rL",
                )
        for name in files:
            if name not in LEFT_OUT:
                yield Path(root, name).relative_to(folder).as_posix()


def _entry(folder: Path, path: str) -> FileEntry:
    with (folder / path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileEntry(path, file.tell(), digest)


def _contents(path: Path, entry: FileEntry) -> Iterator[bytes]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            yield chunk
    if digest.hexdigest() != entry.sha256:
        raise ArtifactError(f"{path} changed while it was packed", remedy="pack it again when nothing writes to it")
