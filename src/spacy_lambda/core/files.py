"""Files that a user names, files that replace others as a whole, and the time of files in archives."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

__all__ = [
    "ARCHIVE_TIME",
    "UNFINISHED_LENGTH",
    "StrPath",
    "copy_folder",
    "file_beside",
    "file_sizes",
    "files_below",
    "flush",
    "folder_beside",
    "is_special",
    "megabytes",
    "move_folder_into_place",
    "move_into_place",
    "read_file",
    "replacing",
    "require_regular_file",
    "unfinished_files",
]

StrPath = str | os.PathLike[str]
"""A path, or the name of a pipeline, as functions of the public API take it."""

ARCHIVE_TIME = 315_532_800
"""1980-01-01, the earliest time that a zip can hold, of every file in an archive: equal content gives equal bytes."""


def require_regular_file(path: Path) -> None:
    """Refuse pipes, which block, and devices, which may never end.

    :raises OSError: If the file is missing, or is not a regular file.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "It is a pipe or a device, not a file", str(path))


def read_file(path: Path, *, limit: int) -> bytes:
    """Return a file's contents.

    :param limit: Maximum bytes.
    :raises OSError: If it cannot be read, is not a regular file, or is larger.
    """
    require_regular_file(path)
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"It has more than {limit:,} bytes", str(path))
    return content


def file_sizes(folder: Path) -> dict[str, int]:
    """Return the size of every file in a folder, by its path below it."""
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files_below(folder)}


def files_below(folder: Path) -> list[Path]:
    """Return every file below a folder, sorted.

    :raises OSError: If a folder cannot be read, which ``Path.rglob`` leaves out in silence.
    """

    def fail(error: OSError) -> NoReturn:
        raise error

    found = [Path(root, name) for root, _, names in os.walk(folder, onerror=fail) for name in names]
    return sorted((path for path in found if path.is_file()), key=lambda path: path.relative_to(folder).as_posix())


HIDDEN = (".", "__MACOSX")
"""Beginnings of names of files and folders that belong to the system rather than to the user's data."""


def is_hidden(path: Path, folder: Path) -> bool:
    """Return whether a file below a folder, or a folder in which it is, is hidden."""
    return any(part.startswith(HIDDEN) for part in path.relative_to(folder).parts)


def megabytes(size: int) -> str:
    """Return a size for people: ``71.8 MB``."""
    return f"{size / 1e6:,.1f} MB"


def flush(file: IO[bytes]) -> None:
    """Flush a file to the disk."""
    file.flush()
    os.fsync(file.fileno())


NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk, or of a user's share of it, that is full, and of a file that is too large for its file system."""

UNFINISHED = re.compile(r"\.(.+)\.[a-z0-9_]{8}", re.DOTALL)
"""Names of the temporary files of :func:`file_beside`."""

UNFINISHED_LENGTH = 10
"""Characters by which they are longer than the name of the file itself."""


def unfinished_files(folder: Path) -> list[tuple[Path, str]]:
    """Return the temporary files in a folder that processes have left which were killed, each with its file's name.

    Other hidden files may have such names: the caller must know the file.
    """
    try:
        with os.scandir(folder) as entries:
            files = [entry for entry in entries if entry.is_file(follow_symlinks=False)]
    except OSError:  # it does not exist
        return []
    found = ((file.path, UNFINISHED.fullmatch(file.name)) for file in files)
    return [(Path(path), match[1]) for path, match in found if match is not None]


def is_special(path: Path) -> bool:
    """Return whether a path is a device, a pipe or a socket, or an open file of a process, such as ``/dev/stdout``.

    Output is written to such a path; a file never replaces it.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:  # it does not exist, or is a link to nothing
        return False
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        return True
    place = Path(os.path.realpath(path.parent), path.name)
    links = (str(place), os.readlink(place) if place.is_symlink() else "")
    return any(link.startswith("/proc/") for link in links)


def move_into_place(new: Path, path: Path) -> None:
    """Move a finished file to its path, and replace what is there; what is :func:`is_special` gets its content.

    :raises OSError: If it cannot be written.
    """
    if is_special(path):
        with new.open("rb") as source, path.open("wb") as target:
            shutil.copyfileobj(source, target)
    else:
        os.replace(new, path)


def move_folder_into_place(new: Path, path: Path) -> None:
    """Move a finished folder out of its scratch folder to its path; one that is there is left in the scratch folder.

    :raises OSError: If it cannot be moved; the former one stays.
    """
    old = new.with_name(f"{new.name}-old")
    if path.exists():
        os.replace(path, old)
    try:
        os.replace(new, path)
    except BaseException:
        if old.exists():
            os.replace(old, path)
        raise


def _scratch_place(path: Path) -> Path:
    """Return the folder for temporary files of a path, which exists: the path's own, from which a file can be moved."""
    if is_special(path):
        return Path(tempfile.gettempdir())
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.parent


@contextmanager
def file_beside(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """Open a temporary file in a path's folder, readable by all; it is removed at the end if it is still there.

    :returns: The file, and its path.
    :raises OSError: If it cannot be made.
    """
    handle, name = tempfile.mkstemp(dir=_scratch_place(path), prefix=f".{path.name}.")
    try:
        os.chmod(name, 0o644)
        with open(handle, "wb") as file:
            yield file, Path(name)
    except OSError as exc:
        if exc.errno in NO_SPACE and exc.filename is None:  # of a write, which does not know the file
            exc.filename = os.fspath(path)
        raise
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that replaces the one at a path when the block ends; an exception leaves that as it was.

    A device or a pipe gets the content instead.

    :raises OSError: If it cannot be written.
    """
    with file_beside(path) as (file, scratch):
        yield file
        flush(file)
        move_into_place(scratch, path)


def copy_folder(source: Path, target: Path, *, ignore: Callable[..., Iterable[str]] | None = None) -> None:
    """Copy a folder into a new one that the user may write to, even if the original is read-only; links become files.

    :param ignore: Chooses names to leave out, as for :func:`shutil.copytree`.
    """
    shutil.copytree(source, target, ignore=ignore, copy_function=shutil.copyfile)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(folder.stat().st_mode | stat.S_IRWXU)


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Make a temporary folder in a path's folder; it is removed at the end.

    :raises OSError: If it cannot be made.
    """
    folder = _scratch_place(path)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{path.name}.", ignore_cleanup_errors=True) as scratch:
        yield Path(scratch)
