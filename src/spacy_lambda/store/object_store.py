"""What a registry needs of a place for plain objects: a folder, a bucket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

__all__ = ["Objects"]


class Objects(Protocol):
    """Objects by key, below a root. Keys have ``/`` between their parts."""

    def read(self, key: str) -> bytes | None:
        """A small object, or ``None``."""
        ...

    def create(self, key: str, data: bytes) -> bool:
        """Write a small object where there is none; ``False``, and nothing written, where there is one."""
        ...

    def replace(self, key: str, data: bytes) -> None:
        """Write a small object; readers see the old one or the new one, never a mixture."""
        ...

    def upload(self, key: str, file: Path, *, sha256: str, on_bytes: Callable[[int, int], None]) -> int:
        """Store a file under a key that says its contents, whole or not at all.

        :param sha256: Of the file.
        :returns: Bytes that were sent; none where it is there already.
        """
        ...

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so, sorted."""
        ...
