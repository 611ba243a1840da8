"""Paths that a command writes, checked before its work begins."""

from __future__ import annotations

import os
from pathlib import Path

import typer

__all__ = ["writable"]


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
