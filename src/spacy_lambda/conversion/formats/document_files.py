"""Files of formats that have one for each document: their names."""

from __future__ import annotations

import re
from pathlib import Path

from spacy_lambda.core.file_names import folded, is_device

__all__ = ["document_path"]

UNSAFE = re.compile(r'[\x00-\x1f\ud800-\udfff/\\:*?"<>|]')
"""Characters that a file's name cannot have on some systems."""

MAX_NAME = 100
"""Maximum characters of a name."""


def document_path(folder: Path, identifier: str, suffix: str, taken: set[str]) -> Path:
    """Return the path of a new file for a document, and make its folder.

    Slashes in an identifier name folders below, and never one outside. Two documents never share a file, not even
    where file systems ignore case.

    :param taken: Names so far, without their case, to which it is added.
    """
    base = folder.joinpath(*map(_name, identifier.split("/")))
    base.parent.mkdir(parents=True, exist_ok=True)
    path, number = base.with_name(base.name + suffix), 1
    while folded(str(path)) in taken or path.exists():
        number += 1
        path = base.with_name(f"{base.name}-{number}{suffix}")
    taken.add(folded(str(path)))
    return path


def _name(part: str) -> str:
    """Return a name that is neither hidden nor a folder above, on any system."""
    name = UNSAFE.sub("_", part)[:MAX_NAME].rstrip(" .")
    if is_device(name):
        return f"_{name}"
    return name if name and not name.startswith(".") else f"_{name.lstrip('.')}"
