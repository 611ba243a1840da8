"""The output folder of a compile: it appears whole or not at all, and replaces nothing but a pipeline."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from spacy_lambda.core.files import move_folder_into_place
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.pipelines import require_replaceable
from spacy_lambda.errors import CompileError

__all__ = ["OutputFolder", "check_output", "open_output"]


class OutputFolder:
    """A folder to write into, in the same folder as its destination.

    :param folder: The folder; does not exist yet.
    :param out: The destination.
    """

    def __init__(self, folder: Path, out: Path) -> None:
        self.folder = folder
        self.out = out

    def move_into_place(self) -> None:
        """Move the folder to its destination, which it replaces."""
        self.out.parent.mkdir(parents=True, exist_ok=True)
        move_folder_into_place(self.folder, self.out)


@contextlib.contextmanager
def open_output(out: Path, *, original: Path, inputs: Iterable[Path], force: bool) -> Iterator[OutputFolder]:
    """Open a new folder for ``out``, on the same disk; it is removed unless it was moved into place.

    :param original: The pipeline that is compiled.
    :param inputs: Other files and folders that the compile reads.
    :param force: Replace an existing pipeline.
    :raises CompileError: If ``out`` exists, contains or is inside what is read, or cannot be written.
    """
    out = Path(os.path.realpath(out))
    check_output(out, original=original, inputs=inputs, force=force)
    try:
        with tempfile.TemporaryDirectory(dir=_existing(out.parent), prefix=f".{out.name}.") as scratch:
            yield OutputFolder(Path(scratch, "pipeline"), out)
    except OSError as exc:
        raise _system_error(exc, out) from exc


def _system_error(error: OSError, out: Path) -> CompileError:
    """Return the error for a file that cannot be read or written: the destination, or what is compiled."""
    file = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else out
    if file.parent in out.parents or out.parent in file.parents:
        return CompileError(
            f"{out} cannot be written: {system_reason(error)}",
            remedy="choose a folder below one that you may write to, on a disk with room for it",
        )
    return CompileError(f"{file}: {system_reason(error)}", remedy="check that it exists, and its permissions")


def check_output(out: Path, *, original: Path, inputs: Iterable[Path], force: bool) -> None:
    """Check a destination.

    :raises CompileError: If it exists, or contains or is inside what is read.
    """
    out, original = Path(os.path.realpath(out)), Path(os.path.realpath(original))
    if original in out.parents:
        raise CompileError(f"{out} is inside the original", remedy="choose another folder")
    for what, one in (("the original", original), *((str(one), Path(os.path.realpath(one))) for one in inputs)):
        if out == one or out in one.parents:
            raise CompileError(f"{out} holds {what}", remedy="choose another folder")
    require_replaceable(out, force=force, raises=CompileError)


def _existing(folder: Path) -> Path:
    """Return the nearest parent that exists; missing ones are created once they are needed."""
    while not folder.exists():
        folder = folder.parent
    return folder
