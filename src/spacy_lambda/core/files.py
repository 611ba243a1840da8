"""Files that a user names, and the time of files in archives."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

__all__ = ["ARCHIVE_TIME", "check_file", "file_sizes", "read_file"]

ARCHIVE_TIME = 315_532_800
"""1980-01-01, the earliest time that a zip can hold, of every file in an archive: equal content gives equal bytes."""


def check_file(path: Path) -> None:
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
    check_file(path)
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"It has more than {limit:,} bytes", str(path))
    return content


def file_sizes(folder: Path) -> dict[str, int]:
    """Return the size of every file in a folder, by its path below it."""
    files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    return {name: path.stat().st_size for name, path in files}
