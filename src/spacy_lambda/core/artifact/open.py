"""A folder, an installed package, an artifact, a wheel of ``spacy package`` or a zip -> a pipeline's folder.

An archive from outside is not trusted: its names are checked before anything is written, its sizes while it is
written, and links and other special files are refused (https://docs.python.org/3/library/zipfile.html, "Decompression
pitfalls").
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.core.artifact.extract import MAX_TOTAL_BYTES
from spacy_lambda.core.artifact.manifest import MAX_FILES
from spacy_lambda.core.artifact.safe_paths import HIDDEN, is_left_out, name_problem, names_problem, path_below
from spacy_lambda.core.artifact.unpack import unpack
from spacy_lambda.core.files import StrPath
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.pipelines import ARCHIVES, find_pipeline, is_pipeline
from spacy_lambda.core.streams import CHUNK_BYTES
from spacy_lambda.core.zip_errors import BROKEN_ZIP
from spacy_lambda.errors import ArtifactError, SpacyLambdaError

__all__ = ["ZipLimits", "check_source", "extract_zip", "pipeline_folder"]

SDISTS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MIN_RATIO_BYTES = 1 << 20
"""Bytes of a file below which any ratio is accepted."""

SMALL_FILES = 32
"""Number of such files whose total is accepted at any ratio."""

MAX_DIRECTORY_BYTES = 4 * 1024 * 1024
"""Maximum bytes of one read: an archive's directory is read at once, before its entries can be counted."""

HEADER_BYTES = 30
"""Minimum bytes before the contents of each entry."""


@dataclass(frozen=True)
class ZipLimits:
    """Limits of an archive.

    :param files: Number of entries.
    :param total_bytes: Bytes of all entries, unpacked.
    :param ratio: Unpacked bytes for each packed one, in entries of a megabyte and more. Model weights stay below 10.
    :param total_ratio: Unpacked bytes of all entries for each byte of the archive.
    """

    files: int = MAX_FILES
    total_bytes: int = MAX_TOTAL_BYTES
    ratio: int = 200
    total_ratio: int = 50


class _Archive(io.FileIO):
    """A file whose single reads are limited, for any sizes that the archive claims."""

    def read(self, size: int | None = -1, /) -> bytes:
        rest = os.fstat(self.fileno()).st_size - self.tell()
        wanted = rest if size is None or size < 0 else min(size, rest)
        if wanted > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its directory is larger than {MAX_DIRECTORY_BYTES:,} bytes")
        return super().read(max(wanted, 0)) or b""


@contextlib.contextmanager
def pipeline_folder(source: StrPath, *, limits: ZipLimits = ZipLimits()) -> Iterator[Path]:
    """Yield a pipeline's folder, unpacking it from an archive first; what was unpacked is removed at the end.

    :param source: A pipeline folder, the name of an installed pipeline package, an artifact, a wheel or a zip.
    :raises PipelineNotFoundError: If there is no such pipeline.
    :raises ArtifactError: If the archive is refused, or holds no pipeline or several.
    """
    path = Path(source)
    if not path.is_file():
        yield find_pipeline(source)
        return
    _check_ending(path)
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        folder = Path(scratch, "unpacked")
        if path.suffix.lower() == ".tar":
            unpack(path, folder)
            pipeline = folder
        else:
            extract_zip(path, folder, limits=limits)
            pipeline = _only_pipeline(folder, path)
        with _errors_of(pipeline, path):
            yield pipeline


@contextlib.contextmanager
def _errors_of(pipeline: Path, path: Path) -> Iterator[None]:
    """Let errors name the user's file in place of the folder into which it was unpacked."""
    try:
        yield
    except SpacyLambdaError as exc:
        exc.message = exc.message.replace(str(pipeline), str(path))
        exc.remedy = exc.remedy.replace(str(pipeline), str(path))
        exc.args = (exc.message,)
        raise


def check_source(source: str | Path) -> Path:
    """Return the folder or the file that :func:`pipeline_folder` would open; nothing is unpacked.

    :raises PipelineNotFoundError: If there is no such pipeline.
    :raises ArtifactError: If the file has another ending.
    """
    path = Path(source)
    if not path.is_file():
        return find_pipeline(source)
    _check_ending(path)
    return path


def _check_ending(path: Path) -> None:
    if path.suffix.lower() in ARCHIVES:
        return
    if path.name.lower().endswith(SDISTS):
        raise ArtifactError(
            f"{path} is a source distribution (sdist) or a compressed tar",
            remedy="give the wheel that `spacy package --build wheel` writes, or a pipeline folder",
        )
    raise ArtifactError(
        f"{path} has the unknown suffix {path.suffix!r}",
        remedy="give a pipeline folder, an artifact (.tar), a wheel of `spacy package` (.whl) or a .zip",
    )


def extract_zip(path: Path, folder: Path, *, limits: ZipLimits = ZipLimits()) -> None:
    """Unpack a zip or a wheel into a new folder, or refuse it.

    :raises ArtifactError: If it is damaged or unsafe; nothing is written outside the folder.
    """
    try:
        with _Archive(path) as file, zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                info.filename = _with_slashes(info.filename)
            kept = [info for info in archive.infolist() if not is_left_out(info.filename)]
            entries = [info for info in kept if not info.is_dir()]
            problem = _archive_problem(archive.infolist(), kept, entries, path.stat().st_size, limits)
            if problem is not None:
                raise ArtifactError(
                    f"{path} is refused: {problem}", remedy="pack the pipeline again from a source you trust"
                )
            folder.mkdir()
            left = limits.total_bytes
            for info in entries:
                left -= _extract_entry(archive, info, path_below(folder, info.filename), left)
    except BROKEN_ZIP as exc:
        raise ArtifactError(
            f"{path} cannot be unpacked: {system_reason(exc)}", remedy="fetch or build the file again"
        ) from exc


def _with_slashes(name: str) -> str:
    """Return an entry's name; some programs on Windows write backslashes."""
    return name.replace("\\", "/")


def _archive_problem(
    everything: list[zipfile.ZipInfo],
    kept: list[zipfile.ZipInfo],
    entries: list[zipfile.ZipInfo],
    packed: int,
    limits: ZipLimits,
) -> str | None:
    """Return why an archive is refused, judging by its directory.

    :param kept: All but the hidden entries, which are not unpacked; zips of a Mac or a repository have some.
    :param entries: The files among them.
    :param packed: Bytes of the archive.
    """
    if len(everything) > limits.files:
        return f"it has {len(everything):,} entries; the limit is {limits.files:,}"
    for info in everything:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            return f"{info.filename!a} is a link or a special file"
        if info.flag_bits & 0x1:
            return f"{info.filename!a} is encrypted"
        if info.filename != _with_slashes(info.orig_filename):
            return f"{info.orig_filename!a} is not the name of one file"
        problem = name_problem(info.filename.rstrip("/")) if info.filename.strip("/") else None
        if problem not in (None, HIDDEN):
            return f"{info.filename!a} {problem}"
    return _names_problem(kept, entries) or _size_problem(everything, packed, limits) or _overlap_problem(everything)


def _names_problem(kept: list[zipfile.ZipInfo], entries: list[zipfile.ZipInfo]) -> str | None:
    """Check the names, with a file in each folder, because a file must not have a folder's name."""
    folders = [f"{info.filename.rstrip('/')}/_" for info in kept if info.is_dir() and info.filename.strip("/")]
    folders = sorted({*folders} - {info.filename for info in entries})
    names = [info.filename for info in entries]
    return names_problem(names) or names_problem([*names, *folders])


def _size_problem(entries: list[zipfile.ZipInfo], packed: int, limits: ZipLimits) -> str | None:
    total = sum(info.file_size for info in entries)
    if total > limits.total_bytes:
        return f"it holds {total:,} bytes; the limit is {limits.total_bytes:,}"
    for info in entries:
        if info.file_size >= MIN_RATIO_BYTES and info.file_size > limits.ratio * max(info.compress_size, 1):
            return f"{info.filename!a} unpacks to more than {limits.ratio} times its size"
    if total > max(limits.total_ratio * packed, SMALL_FILES * MIN_RATIO_BYTES):
        return f"it unpacks to {total:,} bytes, more than {limits.total_ratio} times its size"
    return None


def _overlap_problem(entries: list[zipfile.ZipInfo]) -> str | None:
    """Refuse entries that share bytes, by which a small archive can hold the same contents many times."""
    end = 0
    for info in sorted(entries, key=lambda info: info.header_offset):
        if info.header_offset < end:
            return f"{info.filename!a} overlaps another entry"
        end = info.header_offset + HEADER_BYTES + info.compress_size
    return None


def _extract_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, left: int) -> int:
    """Unpack one entry, counting its actual bytes rather than trusting its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with archive.open(info) as source, path.open("xb") as target:
        while chunk := source.read(CHUNK_BYTES):
            size += len(chunk)
            if size > min(info.file_size, left):
                raise zipfile.BadZipFile(f"{info.filename!a} exceeds its declared size")
            target.write(chunk)
    return size


def _only_pipeline(folder: Path, archive: Path) -> Path:
    """Return the only folder with ``config.cfg`` and ``meta.json``, at any depth."""
    found = sorted(path.parent for path in folder.rglob("config.cfg") if is_pipeline(path.parent))
    outermost = [path for path in found if not any(other in path.parents for other in found)]
    if len(outermost) != 1:
        what = "no pipeline" if not outermost else f"{len(outermost)} pipelines"
        raise ArtifactError(
            f"{archive} holds {what}; exactly one folder with config.cfg and meta.json is expected",
            remedy="give the wheel of `spacy package`, or a zip of one pipeline's folder",
        )
    return outermost[0]
