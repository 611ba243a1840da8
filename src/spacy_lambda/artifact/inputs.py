"""What people have -> a pipeline's folder: a folder, a wheel of ``spacy package``, or a zip of a pipeline.

An archive from outside is not trusted: its names are checked before anything is written, its sizes while it is
written, and links and other special files are refused (https://docs.python.org/3/library/zipfile.html, "Decompression
pitfalls").
"""

from __future__ import annotations

import contextlib
import lzma
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import ArtifactError
from ..pipelines import find_pipeline
from .form import MAX_FILES
from .names import unsafe_names
from .unpack import MAX_TOTAL_BYTES, unpack

__all__ = ["ZipLimits", "extract_zip", "pipeline_folder"]

CHUNK = 1 << 20
ARCHIVES = (".whl", ".zip")
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, EOFError, ValueError, OSError)
"""What :mod:`zipfile` raises for an archive that is damaged or in a form that it does not know."""

UNUSUAL_RATIO_FROM = 1 << 20
"""Smaller files may be compressed as well as they like: a megabyte of zeros harms nobody."""


@dataclass(frozen=True)
class ZipLimits:
    """What an archive may hold.

    :param files: Number of entries.
    :param total_bytes: Bytes of all entries, unpacked.
    :param ratio: Unpacked bytes for each packed one, in entries of a megabyte and more. Model weights stay below 10.
    """

    files: int = MAX_FILES
    total_bytes: int = MAX_TOTAL_BYTES
    ratio: int = 200


@contextlib.contextmanager
def pipeline_folder(source: str | Path, *, limits: ZipLimits = ZipLimits()) -> Iterator[Path]:
    """The folder of a pipeline that may still be in an archive; what was unpacked for it is removed at the end.

    :param source: A pipeline directory, the name of an installed pipeline package, an artifact, a wheel or a zip.
    :raises PipelineNotFoundError: When there is no such pipeline.
    :raises ArtifactError: When the archive is refused, or holds no pipeline or several.
    """
    path = Path(source)
    if not path.is_file():
        yield find_pipeline(source)
        return
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        folder = Path(scratch, "unpacked")
        if path.suffix in ARCHIVES:
            extract_zip(path, folder, limits=limits)
            yield _only_pipeline(folder, path)
        elif path.suffix == ".tar":
            unpack(path, folder)
            yield folder
        else:
            raise ArtifactError(
                f"{path} has the unknown ending {path.suffix!r}",
                remedy="give a pipeline folder, an artifact (.tar), a wheel of `spacy package` (.whl) or a .zip",
            )


def extract_zip(path: Path, folder: Path, *, limits: ZipLimits = ZipLimits()) -> None:
    """Unpack a zip or a wheel into a new folder, or refuse it.

    :raises ArtifactError: When it is broken, or holds what is refused; nothing was written outside the folder.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [info for info in archive.infolist() if not info.is_dir()]
            wrong = _wrong(archive.infolist(), entries, limits)
            if wrong is not None:
                raise ArtifactError(
                    f"{path} is refused: {wrong}", remedy="pack the pipeline again from a source you trust"
                )
            folder.mkdir()
            left = limits.total_bytes
            for info in entries:
                left -= _extract_entry(archive, info, folder / info.filename, left)
    except BROKEN as exc:
        raise ArtifactError(f"{path} cannot be unpacked: {exc}", remedy="fetch or build the file again") from exc


def _wrong(everything: list[zipfile.ZipInfo], entries: list[zipfile.ZipInfo], limits: ZipLimits) -> str | None:
    """Why an archive is refused, as far as its directory tells."""
    if len(everything) > limits.files:
        return f"it has {len(everything):,} entries; the limit is {limits.files:,}"
    for info in everything:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            return f"{info.filename!r} is a link or a special file"
        if info.flag_bits & 0x1:
            return f"{info.filename!r} is encrypted"
    folders = sorted({info.filename.rstrip("/") for info in everything if info.is_dir()})
    return unsafe_names([info.filename for info in entries]) or unsafe_names(folders) or _wrong_size(entries, limits)


def _wrong_size(entries: list[zipfile.ZipInfo], limits: ZipLimits) -> str | None:
    total = sum(info.file_size for info in entries)
    if total > limits.total_bytes:
        return f"it holds {total:,} bytes; the limit is {limits.total_bytes:,}"
    for info in entries:
        if info.file_size >= UNUSUAL_RATIO_FROM and info.file_size > limits.ratio * max(info.compress_size, 1):
            return f"{info.filename!r} unpacks to more than {limits.ratio} times its size"
    return None


def _extract_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, left: int) -> int:
    """Unpack one entry, counting what really comes out of it rather than what its header says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with archive.open(info) as source, path.open("xb") as target:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > min(info.file_size, left):
                raise zipfile.BadZipFile(f"{info.filename!r} is larger than it says")
            target.write(chunk)
    return size


def _only_pipeline(folder: Path, archive: Path) -> Path:
    """The pipeline inside: the folder with ``config.cfg`` and ``meta.json``, wherever it is."""
    found = sorted(path.parent for path in folder.rglob("config.cfg") if (path.parent / "meta.json").is_file())
    outermost = [path for path in found if not any(other in path.parents for other in found)]
    if len(outermost) != 1:
        what = "no pipeline" if not outermost else f"{len(outermost)} pipelines"
        raise ArtifactError(
            f"{archive} holds {what}: a folder with config.cfg and meta.json is looked for",
            remedy="give the wheel of `spacy package`, or a zip of one pipeline's folder",
        )
    return outermost[0]
