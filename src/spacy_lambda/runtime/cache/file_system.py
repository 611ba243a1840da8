"""The kind of a file system: on a network, locks may be lost, and the server decides about user ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["is_on_network"]

MOUNTS = Path("/proc/self/mountinfo")
ESCAPED = re.compile(r"\\([0-7]{3})")
"""Escapes of the kernel for a space and the like in a mount point."""


def is_on_network(folder: Path) -> bool:
    """Return whether the file system is NFS, as EFS is, by the longest mount point above the folder."""
    path = folder.resolve()
    kind, longest = "", -1
    for mount, its_kind in _mounts():
        # The last of several at one place hides the others.
        if path.is_relative_to(mount) and len(mount.parts) >= longest:
            kind, longest = its_kind, len(mount.parts)
    return kind.startswith("nfs")


def _mounts() -> Iterator[tuple[Path, str]]:
    if not MOUNTS.exists():
        return  # not Linux
    with open(MOUNTS, encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            before, _, after = line.partition(" - ")
            yield Path(ESCAPED.sub(lambda match: chr(int(match[1], 8)), before.split()[4])), after.split()[0]
