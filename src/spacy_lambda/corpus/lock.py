"""A lock against two runs into one destination."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from spacy_lambda.core.file_lock import LockHeld, file_lock
from spacy_lambda.errors import CorpusError

__all__ = ["locked"]


@contextmanager
def locked(path: Path, destination: str) -> Iterator[None]:
    """Hold a lock in the block.

    :param path: The lock's file, which is removed at the end, with folders that are then empty.
    :param destination: What it is for, for the error.
    :raises CorpusError: If another process, or another thread of this one, holds it.
    """
    missing = [folder for folder in list(path.parents)[:2] if not folder.exists()]
    with ExitStack() as held:
        held.callback(_remove_empty, missing)
        try:
            held.enter_context(file_lock(path))
        except LockHeld as exc:
            raise CorpusError(
                f"{destination} is being annotated by {exc}", remedy="wait for it to end, or choose another destination"
            ) from None
        yield


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # it has files
            folder.rmdir()
