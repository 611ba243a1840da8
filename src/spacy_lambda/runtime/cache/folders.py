"""Files and folders that other processes remove, rename and replace at any moment.

All of the cache's operations on paths are here. A path that vanishes between two calls is not an error: a
vanished folder is empty, a folder to be created is created again, and two processes may remove the same one at once.
Links and special files in the place of a folder or a file are neither followed nor waited for.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from spacy_lambda.core.files import flush

__all__ = [
    "FULL",
    "TAKEN",
    "VANISHED",
    "IrregularFileError",
    "disk_space",
    "folder_entries",
    "identity",
    "is_folder",
    "list_names",
    "lstat",
    "make_folder",
    "move_if_unchanged",
    "new_file",
    "open_file",
    "publish",
    "read_file",
    "remove",
    "remove_empty",
    "tree_size",
    "write_file",
]

VANISHED = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)
FULL = (errno.ENOSPC, errno.EDQUOT)

TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR)
MAX_REMAKE_S = 5.0
"""Maximum seconds for creating a folder again each time another process removes it."""

PAUSE_S = 0.005
REMOVALS = 3


class IrregularFileError(OSError):
    """A plain file was expected, and something else has its name."""


def lstat(path: Path) -> os.stat_result | None:
    """Return the status of a path, without following a link; ``None`` if it does not exist."""
    try:
        return os.lstat(path)
    except OSError as exc:
        if exc.errno in VANISHED:
            return None
        raise


def identity(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a path, without following a link; ``None`` if it does not exist."""
    found = lstat(path)
    return None if found is None else (found.st_dev, found.st_ino)


def is_folder(path: Path) -> bool:
    """Return whether the name is a folder's; a link is not one."""
    found = lstat(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def list_names(folder: Path) -> list[str]:
    """Return the names in a folder; empty if it is gone, a link or not a folder."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as exc:
        if exc.errno in (*VANISHED, errno.ELOOP):
            return []
        raise
    try:
        return os.listdir(handle)
    except OSError as exc:
        if exc.errno in VANISHED:
            return []
        raise
    finally:
        os.close(handle)


def folder_entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield a folder's entries with their status, as far as they still exist."""
    for name in list_names(folder):
        found = lstat(folder / name)
        if found is not None:
            yield folder / name, found


def make_folder(folder: Path, *, root: Path, give_up_s: float = MAX_REMAKE_S) -> None:
    """Make a folder and the root, however often others remove them; links and files in its way are removed.

    :param give_up_s: Seconds for which it is made again.
    :raises OSError: If it cannot be made, or is removed again and again.
    """
    parts = folder.relative_to(root).parts
    below = [root.joinpath(*parts[: number + 1]) for number in range(len(parts))]
    end = time.monotonic() + give_up_s
    while True:
        try:
            _make_root(root)
            for path in below:
                _make(path)
            return
        except OSError as exc:
            if exc.errno not in (*VANISHED, errno.EEXIST) or time.monotonic() > end:
                raise
        time.sleep(PAUSE_S)


def remove(path: Path) -> bool:
    """Remove a folder with all that is in it, or a file, or a link itself.

    :returns: ``True`` if it is gone.
    """
    for _ in range(REMOVALS):
        # More than one process may remove it, and another may still write into it.
        with contextlib.suppress(OSError, RecursionError):
            if is_folder(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        if identity(path) is None:
            return True
        if is_folder(path):
            _flatten(path)
    return False


def remove_empty(folder: Path) -> None:
    """Remove a folder if nothing is in it."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def move_if_unchanged(path: Path, known: tuple[int, int], folder: Path, *, root: Path) -> Path | None:
    """Rename an examined file or folder into a folder below the root; a replacement stays in place.

    :param known: The :func:`identity` that was examined.
    :returns: Its new path; ``None`` if another process was faster.
    :raises OSError: If it cannot be moved.
    """
    target = folder / f"{path.name}-{secrets.token_hex(4)}"
    end = time.monotonic() + MAX_REMAKE_S
    while identity(path) == known:
        make_folder(folder, root=root)
        try:
            path.rename(target)
        except OSError as exc:
            # One of the two folders is gone; or a folder that its owner may not write cannot leave the one above.
            if time.monotonic() > end or not (exc.errno in VANISHED or _unlock(path)):
                raise
            continue
        if identity(target) == known:
            return target
        publish(target, path)
        remove(target)
    return None


def publish(folder: Path, target: Path) -> bool:
    """Rename a folder, unless something is there.

    :raises OSError: If it cannot be renamed.
    """
    try:
        os.rename(folder, target)
    except OSError as exc:
        if exc.errno not in TAKEN:
            raise
        return False
    return True


def open_file(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a plain file and nothing else: no link is followed, no FIFO waited for, no device touched.

    :raises IrregularFileError: If something else has the name.
    :raises OSError: If it is not there or cannot be read.
    """
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise IrregularFileError(errno.EINVAL, "not a plain file", str(path))
    handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise IrregularFileError(errno.EINVAL, "not a plain file", str(path))
    return handle


def read_file(path: Path, *, max_bytes: int) -> bytes:
    """Return a plain file's contents.

    :raises IrregularFileError: If something else has the name, or it is larger.
    :raises OSError: If it is not there or cannot be read.
    """
    with open(open_file(path), "rb", buffering=0) as file:
        data = bytearray()
        while len(data) <= max_bytes and (chunk := file.read(max_bytes + 1 - len(data))):
            data += chunk
    if len(data) > max_bytes:
        raise IrregularFileError(errno.EFBIG, f"larger than {max_bytes:,} bytes", str(path))
    return bytes(data)


def write_file(path: Path, data: bytes) -> None:
    """Write a new file, and flush it."""
    with open(path, "xb") as file:
        file.write(data)
        flush(file)


def tree_size(path: Path) -> int:
    """Return the bytes of all files below a folder, or of one file, as far as they still exist."""
    found = lstat(path)
    if found is None or not stat.S_ISDIR(found.st_mode):
        return 0 if found is None else found.st_size
    size, waiting = 0, [path]
    while waiting:
        with contextlib.suppress(OSError):
            for inner, facts in folder_entries(waiting.pop()):
                if stat.S_ISDIR(facts.st_mode):
                    waiting.append(inner)
                else:
                    size += facts.st_size
    return size


def disk_space(root: Path) -> tuple[int, int]:
    """Return the total and the free bytes of the disk; of the parent folder, if the folder is gone.

    :raises OSError: If it cannot be determined.
    """
    for folder in (root, *root.parents):
        try:
            usage = shutil.disk_usage(folder)
        except OSError as exc:
            if exc.errno not in VANISHED:
                raise
        else:
            return usage.total, usage.free
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(root))


def new_file(path: Path) -> int:
    """Make a file, for reading and writing.

    :raises OSError: If something has the name, or it cannot be made.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _make_root(root: Path) -> None:
    try:
        _make(root, mode=0o700, replace=False)
    except FileNotFoundError:
        for parent in reversed(root.parents):
            with contextlib.suppress(FileExistsError):
                parent.mkdir(mode=0o755)
        _make(root, mode=0o700, replace=False)


def _make(path: Path, *, mode: int = 0o777, replace: bool = True) -> None:
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        if is_folder(path):
            return
        if replace:
            remove(path)
        raise


def _unlock(path: Path) -> bool:
    """Give the owner of a folder all permissions, and return whether that changed them."""
    found = lstat(path)
    if found is None or not stat.S_ISDIR(found.st_mode) or found.st_mode & stat.S_IRWXU == stat.S_IRWXU:
        return False
    with contextlib.suppress(OSError):
        os.chmod(path, 0o700)
        return True
    return False


def _flatten(folder: Path) -> None:
    """Bring what is deep in a folder to its top, and open it to its owner, so that all of it can be removed."""
    waiting = [folder]
    while waiting:
        inner = waiting.pop()
        with contextlib.suppress(OSError):
            _unlock(inner)
            for deeper, facts in folder_entries(inner):
                if stat.S_ISDIR(facts.st_mode):
                    _unlock(deeper)
                    top = folder / secrets.token_hex(8)
                    deeper.rename(top)
                    waiting.append(top)
