"""File names from outside: only plain relative ones are accepted, and only below a folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from spacy_lambda.core.file_names import folded, is_device
from spacy_lambda.errors import ArtifactError

__all__ = ["HIDDEN", "is_followed", "is_left_out", "name_problem", "names_problem", "path_below"]

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


def name_problem(name: str) -> str | None:
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
    return next((problem for found, problem in checks if found), None)


def names_problem(names: Iterable[str]) -> str | None:
    """Return why a set of files cannot be written together, or ``None`` if it can.

    On some systems, two names that differ only in case or in their Unicode form are one file, or one folder.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        problem = name_problem(name)
        if problem is not None:
            return f"{name!a} {problem}"
        if folded(name) in files:
            return f"{name!a} occurs twice"
        files[folded(name)] = name
        parts = name.split("/")
        for folder in ("/".join(parts[:depth]) for depth in range(1, len(parts))):
            if folders.setdefault(folded(folder), folder) != folder:
                return f"{folder!a} occurs twice"
    both = next((files[folder] for folder in sorted(folders) if folder in files), None)
    return None if both is None else f"{both!a} is a file and a folder"


def is_followed(folder: Path, link: Path) -> bool:
    """Return whether a link in a user's own folder may be followed: to a file of that folder, or of the Hub's cache.

    huggingface_hub keeps a snapshot, ``models--OWNER--NAME/snapshots/COMMIT``, as links to files in the repository's
    folder ``blobs``.
    """
    try:
        target, root = link.resolve(strict=True), folder.resolve()
    except (OSError, RuntimeError):  # it leads nowhere, or back to itself
        return False
    if not target.is_file():
        return False
    if target.is_relative_to(root):
        return not is_left_out(target.relative_to(root).as_posix())
    repositories = (one.parent for one in root.parents if one.name == "snapshots")
    return any(one.name.startswith("models--") and target.parent == one / "blobs" for one in repositories)


def path_below(folder: Path, name: str) -> Path:
    """Return the path of a name from outside, below a folder.

    Both the name and the resolved path are checked, because a link on the way may lead elsewhere.

    :raises ArtifactError: If it is not below.
    """
    problem = name_problem(name)
    path = folder / name
    if problem is None and not path.parent.resolve().is_relative_to(folder.resolve()):
        problem = "leads out of the folder"
    if problem is None and path.is_symlink():
        problem = "is a link"
    if problem is not None:
        raise ArtifactError(f"{name!a} is refused: it {problem}", remedy=REMEDY)
    return path
