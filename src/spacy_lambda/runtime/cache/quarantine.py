"""Damaged entries: moved away, and kept for a while for inspection."""

from __future__ import annotations

import logging
from pathlib import Path

from spacy_lambda.errors import CacheError
from spacy_lambda.runtime.cache.folders import FULL, folder_entries, move_if_unchanged, remove

__all__ = ["QUARANTINE", "quarantine"]

QUARANTINE = ".set-aside"
MAX_KEPT = 2
"""Damaged entries that are kept: a disk that damages one after another is not filled with them."""


def quarantine(root: Path, folder: Path, known: tuple[int, int], why: str) -> None:
    """Move a damaged entry out of the way, unless another process has done so and put a new one there.

    :param known: The identity of what is damaged.
    :raises CacheError: If it cannot be moved.
    """
    try:
        moved = move_if_unchanged(folder, known, root / QUARANTINE, root=root)
    except OSError as exc:
        if exc.errno not in FULL or not remove(folder):
            raise CacheError(
                f"{folder} is damaged ({why}) and cannot be quarantined: {exc.strerror}",
                remedy="remove it, or mount the cache with write access",
            ) from exc
        moved = folder
    if moved is not None:
        log = logging.getLogger(__name__)
        log.warning("the cache entry %s is quarantined and fetched again: %s", folder, why)
        _keep_few(root / QUARANTINE)


def _keep_few(folder: Path) -> None:
    # A rename sets the time of the inode's change.
    kept = sorted(folder_entries(folder), key=lambda item: item[1].st_ctime_ns, reverse=True)
    for path, _ in kept[MAX_KEPT:]:
        remove(path)
