"""The file system of a cache: on a network, locks may be lost, and the server decides about user ids."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.runtime.cache.folders import disk_space, new_file, remove

__all__ = ["FileSystem"]

MOUNTS = Path("/proc/self/mountinfo")
ESCAPED = re.compile(r"\\([0-7]{3})")
"""Escapes of the kernel for a space and the like in a mount point."""


@dataclass(frozen=True)
class FileSystem:
    """Facts about the file system of a cache.

    :param mounts: The kernel's list of mount points.
    :param overhead: Bytes of an entry that are not in its files: folders, and the entry's own records.
    """

    mounts: Path = MOUNTS
    overhead: int = 1 << 20

    def is_on_network(self, folder: Path) -> bool:
        """Return whether the file system is NFS, as EFS is, by the longest mount point above the folder."""
        path = folder.resolve()
        kind, longest = "", -1
        for mount, its_kind in self._mounted():
            # The last of several at one place hides the others.
            if path.is_relative_to(mount) and len(mount.parts) >= longest:
                kind, longest = its_kind, len(mount.parts)
        return kind.startswith("nfs")

    def space(self, root: Path) -> tuple[int, int]:
        """Return the total and the free bytes of the disk.

        :raises OSError: If they cannot be determined.
        """
        return disk_space(root)

    def own_uid(self, folder: Path) -> int | None:
        """Return the owner of this process's files in a folder, set by the server on NFS; ``None`` if read-only."""
        path = folder / f".owner-{secrets.token_hex(8)}"
        try:
            handle = new_file(path)
        except OSError as exc:
            if exc.errno == errno.EROFS:
                return None
            if exc.errno in (errno.EACCES, errno.EPERM):
                return -1
            raise
        try:
            return os.fstat(handle).st_uid
        finally:
            os.close(handle)
            remove(path)

    def _mounted(self) -> Iterator[tuple[Path, str]]:
        if not self.mounts.exists():
            return  # not Linux
        with open(self.mounts, encoding="utf-8", errors="replace") as mounts:
            for line in mounts:
                before, _, after = line.partition(" - ")
                yield Path(ESCAPED.sub(lambda match: chr(int(match[1], 8)), before.split()[4])), after.split()[0]
