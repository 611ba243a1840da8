"""Ownership of the cache: a folder that another user can change is refused before anything in it is read.

An entry is verified and then loaded by its path, so no other user may replace a file, or a folder above it, in between.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from spacy_lambda.core.env_names import CACHE_VARIABLE
from spacy_lambda.errors import CacheError
from spacy_lambda.runtime.cache.file_system import FileSystem
from spacy_lambda.runtime.cache.folders import VANISHED, lstat
from spacy_lambda.runtime.cache.settings import CacheSettings

__all__ = ["check_root", "warn_of_others"]

TRIES = 5
UNKNOWN = 65534
"""Uid of owners whom a user namespace does not have."""


def check_root(settings: CacheSettings) -> None:
    """Refuse a folder for the cache that another user could change. What is not there yet will be this user's own.

    :raises CacheError: If it or a folder above it can be replaced by another user, is a link, or is not a folder.
    """
    root = settings.root.absolute()
    for left in reversed(range(TRIES)):
        try:
            problem = next(_problems(root, settings.file_system), None)
            break
        except OSError as exc:
            if exc.errno in VANISHED and left:
                continue
            raise CacheError(
                f"{root} cannot be used: {exc.strerror}",
                remedy=f"check {CACHE_VARIABLE}, and the permissions of {root}",
            ) from exc
    if problem is not None:
        raise CacheError(
            f"{root} cannot be the cache: {problem}",
            remedy=f"set {CACHE_VARIABLE} to a folder that only this user can write; it is made if it is not there",
        )


def warn_of_others(root: Path) -> None:
    """Log that other users may write the cache: a group, or, on a network, any user that its server allows."""
    found = lstat(root)
    if found is not None and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        logging.getLogger(__name__).warning("others can write the cache: chmod go-w %s", root)


def _problems(root: Path, file_system: FileSystem) -> Iterator[str]:
    # By its name, and by what links on the way lead to.
    for path in dict.fromkeys((root, root.parent.resolve() / root.name)):
        yield from _problems_above(path, file_system)
    found = lstat(root)
    if found is not None:
        yield from _problems_of(root, found, file_system)


def _problems_above(path: Path, file_system: FileSystem) -> Iterator[str]:
    """Yield the problems of the folders above: a user who can rename a folder's entries can replace them."""
    steps = [*reversed(path.parents), path]
    for folder, child in pairwise(steps):
        try:
            found = os.stat(folder)
        except FileNotFoundError:
            if lstat(folder) is not None:
                yield f"{folder} is a dangling symlink"
            return
        if not stat.S_ISDIR(found.st_mode):
            yield f"{folder} is not a folder"
            return
        inner = lstat(child)
        if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
            yield f"every user can replace what is in {folder}, which has no sticky bit"
        elif found.st_mode & stat.S_IWOTH and inner is not None and not _is_trusted(inner):
            yield f"{child} belongs to another user (uid {inner.st_uid})"
        elif not _is_trusted(found, unknown=True) and not file_system.is_on_network(folder):
            yield f"{folder}, above it, belongs to another user (uid {found.st_uid})"


def _problems_of(root: Path, found: os.stat_result, file_system: FileSystem) -> Iterator[str]:
    if stat.S_ISLNK(found.st_mode):
        yield f"it is a link to {os.readlink(root)}"
        return
    if not stat.S_ISDIR(found.st_mode):
        yield "it is not a folder"
        return
    if not _is_trusted(found) and not (
        file_system.is_on_network(root) and file_system.own_uid(root) in (None, found.st_uid)
    ):
        yield f"it belongs to another user (uid {found.st_uid})"
    if found.st_mode & stat.S_IWOTH and not file_system.is_on_network(root):
        yield "every user can write it"


def _is_trusted(found: os.stat_result, *, unknown: bool = False) -> bool:
    """Return whether this user or root owns it; in a user namespace, root may have another number."""
    return found.st_uid in (0, os.geteuid(), *([UNKNOWN] if unknown else []))
