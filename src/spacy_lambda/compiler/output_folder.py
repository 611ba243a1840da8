"""Where a compiled pipeline goes: a folder that appears whole or not at all, and replaces nothing but a pipeline."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from spacy_lambda.core.pipelines import is_pipeline
from spacy_lambda.errors import CompileError

__all__ = ["Place", "place"]


class Place:
    """A folder to write into, beside where it will be.

    :param folder: Does not exist yet.
    :param out: Where it will be.
    """

    def __init__(self, folder: Path, out: Path) -> None:
        self.folder = folder
        self.out = out

    def appear(self) -> None:
        """Put the folder where it belongs, in the place of what was there."""
        self.out.parent.mkdir(parents=True, exist_ok=True)
        if not self.out.exists():
            os.replace(self.folder, self.out)
            return
        old = self.folder.with_name("old")
        os.replace(self.out, old)
        try:
            os.replace(self.folder, self.out)
        except BaseException:
            os.replace(old, self.out)
            raise
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def place(out: Path, *, original: Path, inputs: Iterable[Path], force: bool) -> Iterator[Place]:
    """A new folder for ``out``, on the same disk; what is left of it is removed.

    :param original: The pipeline that is compiled.
    :param inputs: What else is read meanwhile.
    :param force: Replace a pipeline that is there.
    :raises CompileError: When ``out`` is taken, holds what is read or lies in it, or cannot be written.
    """
    out = Path(os.path.realpath(out))
    _check(out, Path(os.path.realpath(original)), [Path(os.path.realpath(one)) for one in inputs], force=force)
    try:
        with tempfile.TemporaryDirectory(dir=_existing(out.parent), prefix=f".{out.name}.") as scratch:
            yield Place(Path(scratch, "pipeline"), out)
    except OSError as exc:
        raise CompileError(
            f"{out} cannot be written: {exc}",
            remedy="choose a folder below one that you may write to, on a disk with room for it",
        ) from exc


def _check(out: Path, original: Path, inputs: Iterable[Path], *, force: bool) -> None:
    if original in out.parents:
        raise CompileError(f"{out} is inside the original", remedy="choose another folder")
    around = next((folder for folder in out.parents if is_pipeline(folder)), None)
    if around is not None:
        raise CompileError(f"{out} is inside another pipeline, {around}", remedy="choose another folder")
    for what, one in (("the original", original), *((str(one), one) for one in inputs)):
        if out == one or out in one.parents:
            raise CompileError(f"{out} holds {what}", remedy="choose another folder")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not force:
        raise CompileError(f"{out} exists", remedy="choose another folder, or replace it with --force")
    if not is_pipeline(out):
        raise CompileError(
            f"{out} is not a pipeline, so --force does not replace it",
            remedy="choose another folder, or remove that one yourself",
        )


def _existing(folder: Path) -> Path:
    """The nearest folder that is there: others are made when there is something to put into them."""
    while not folder.exists():
        folder = folder.parent
    return folder
