"""File names from outside: only plain relative ones are accepted, and only below a folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from spacy_lambda.core.file_names import folded, is_device
from spacy_lambda.errors import ArtifactError

__all__ = ["HIDDEN", "is_left_out", "path_below", "unsafe_name", "unsafe_names"]

MAX_NAME_BYTES = 255
MAX_DEPTH = 16

HIDDEN = "is hidden, or made by a tool"
LEFT_OUT = "__pycache__"
"""A folder left out like hidden files: Python prefers its contents to the source in the same folder."""

NOT_ON_WINDOWS = frozenset('\\:*?"<>|')
REMEDY = "do not use it; if it is yours, rename that file and pack the pipeline again"


def is_left_out(name: str) -> bool:
    """Return whether a name is hidden, or in a hidden folder: never part of a pipeline.

    Tools run the commands in such files (``.git/config``, ``.envrc``), signatures do not cover all of them, and people
    do not see them. Packing omits them, reading refuses them.
    """
    parts = folded(name).split("/")
    return any(part == LEFT_OUT or (part.startswith(".") and part.strip(".")) for part in parts)


def unsafe_name(name: str) -> str | None:
    """Return why a name cannot be written below a folder, or ``None`` if it can.

    :param name: A relative path with ``/`` between its parts.
    """
    parts = name.split("/")
    plain = folded(name).split("/")
    checks = (
        (not name, "is empty"),
        (name.startswith("/"), "is absolute"),
        (NOT_ON_WINDOWS.intersection(name), "has a backslash, a colon or another character that is invalid on Windows"),
        (not name.isprintable(), "has characters that cannot be printed"),
        (".." in parts or ".." in plain, "leads out of the folder"),
        ("" in parts or "." in parts, "is not in its shortest form"),
        (len(plain) != len(parts), "has a character that looks like a slash"),
        (any(part != part.strip() or part.endswith(".") for part in plain), "has a space or a dot at the end"),
        (any(is_device(part) for part in plain), "is a device on Windows"),
        (len(parts) > MAX_DEPTH, f"is deeper than {MAX_DEPTH} folders"),
        (len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES, f"is longer than {MAX_NAME_BYTES} bytes"),
        (is_left_out(name), HIDDEN),
    )
    return next((why for wrong, why in checks if wrong), None)


def unsafe_names(names: Iterable[str]) -> str | None:
    """Return why a set of files cannot be written together, or ``None`` if it can.

    On some systems, two names that differ only in case or in their Unicode form are one file, or one folder.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        why = unsafe_name(name)
        if why is not None:
            return f"{name!a} {why}"
        if folded(name) in files:
            return f"{name!a} occurs twice"
        files[folded(name)] = name
        parts = name.split("/")
        for folder in ("/".join(parts[:depth]) for depth in range(1, len(parts))):
            if folders.setdefault(folded(folder), folder) != folder:
                return f"{folder!a} occurs twice"
    both = next((files[folder] for folder in sorted(folders) if folder in files), None)
    return None if both is None else f"{both!a} is a file and a folder"


def path_below(folder: Path, name: str) -> Path:
    """Return the path of a name from outside, below a folder.

    Both the name and the resolved path are checked, because a link on the way may lead elsewhere.

    :raises ArtifactError: If it is not below.
    """
    why = unsafe_name(name)
    path = folder / name
    if why is None and not path.parent.resolve().is_relative_to(folder.resolve()):
        why = "leads out of the folder"
    if why is None and path.is_symlink():
        why = "is a link"
    if why is not None:
        raise ArtifactError(f"{name!a} is refused: it {why}", remedy=REMEDY)
    return path
