"""Locks and a folder that the processes of a run of the tests share."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Wait until no other process of this machine tests with what the name stands for, such as container storage."""
    with Path(tempfile.gettempdir(), f"spacy-lambda-tests-{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def shared_folder(temporary: Path) -> Path:
    """Return the folder that all processes of this run find above one of pytest's temporary folders."""
    return next((parent for parent in temporary.parents if parent.name.startswith("pytest-")), temporary.parent)
