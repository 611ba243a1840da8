"""Paths that a command writes, checked before its work begins."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import typer

from spacy_lambda.core.files import is_special
from spacy_lambda.errors import SpacyLambdaError

__all__ = ["check_output_file", "writable"]


def writable(path: Path | None) -> Path | None:
    """Refuse a path that cannot be written: the callback of files and folders that a command makes at its end.

    Folders that are missing are made; it is the first one that exists which counts.

    :raises typer.BadParameter: If that is a file, or this user may not write there.
    """
    if path is None:
        return None
    whole = path.absolute()
    above = next(folder for folder in (whole, *whole.parents) if os.path.lexists(folder))
    if above == whole and not above.is_dir():
        above = above.parent
    if not above.is_dir():
        raise typer.BadParameter(f"{path} cannot be written: {above} is not a folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise typer.BadParameter(f"{path} cannot be written: {above} is a folder that you may not write to")
    return path


def check_output_file(
    path: Path | None, *, inputs: Iterable[str | Path | None], force: bool, error: type[SpacyLambdaError]
) -> None:
    """Refuse a file that a command would write at its end, before its work begins.

    :param inputs: Files and folders that the command reads.
    :param force: Replace a file.
    :param error: The command's kind of error.
    :raises SpacyLambdaError: If it is a folder or an input, is inside one, or exists.
    """
    if path is None:
        return
    if path.is_dir():
        raise error(f"{path} is a folder", remedy=f"name a file in it, such as {path / 'report'}")
    target = os.path.realpath(path)
    for one in inputs:
        place = None if one is None else os.path.realpath(one)
        if place is not None and (target == place or target.startswith(place + os.sep)):
            raise error(f"{path} is, or is in, {one}, which is read", remedy="choose another file")
    if os.path.lexists(path) and not force and not is_special(path):
        raise error(f"{path} exists", remedy="choose another file, or replace it with --force")
