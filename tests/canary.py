"""A tree of files that nothing may touch, beside whatever a test lets somebody write."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["fingerprint", "make_canary", "untouched"]


def make_canary(folder: Path) -> Path:
    """Make files of the kinds that somebody would want to read, replace or remove."""
    files = {".ssh/id_rsa": "key", ".ssh/authorized_keys": "", ".bashrc": "alias", "config.cfg": "[x]", "a/b/c": "deep"}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
    (folder / "empty").mkdir(mode=0o700)
    (folder / "link").symlink_to(".ssh/id_rsa")
    return folder


def fingerprint(folder: Path) -> str:
    """A digest of every name, mode, time of change and content below a folder; no link is followed."""
    digest = hashlib.sha256()
    for root, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted([*folders, *files]):
            path = Path(root, name)
            state = path.lstat()
            what = os.readlink(path).encode() if path.is_symlink() else b"" if path.is_dir() else path.read_bytes()
            digest.update(repr((str(path), state.st_mode, state.st_size, state.st_mtime_ns, what)).encode())
    return digest.hexdigest()


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Check at the end that all in a folder is what it was."""
    before = fingerprint(folder)
    yield
    assert fingerprint(folder) == before, f"{folder} was changed"
