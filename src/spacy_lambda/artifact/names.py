"""Which names of files are taken from outside: only plain relative ones."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["unsafe_name", "unsafe_names"]

MAX_NAME_BYTES = 255
MAX_DEPTH = 16


def unsafe_name(name: str) -> str | None:
    """Why a name cannot be written below a folder, or ``None`` if it can.

    :param name: A relative path with ``/`` between its parts.
    """
    parts = name.split("/")
    checks = (
        (not name, "is empty"),
        (name.startswith("/"), "is absolute"),
        ("\\" in name or ":" in name, "has a backslash or a colon"),
        (not name.isprintable(), "has characters that cannot be printed"),
        (".." in parts, "leads out of the folder"),
        ("" in parts or "." in parts, "is not in its shortest form"),
        (len(parts) > MAX_DEPTH, f"is deeper than {MAX_DEPTH} folders"),
        (len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES, f"is longer than {MAX_NAME_BYTES} bytes"),
    )
    return next((why for wrong, why in checks if wrong), None)


def unsafe_names(names: Iterable[str]) -> str | None:
    """Why a set of names cannot be written together, or ``None`` if it can.

    Two names that differ in case only are one file on some systems; a name cannot be a file and a folder.
    """
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for name in names:
        why = unsafe_name(name)
        if why is not None:
            return f"{name!r} {why}"
        folded = name.casefold()
        if folded in seen:
            return f"{name!r} is there twice"
        seen[folded] = name
        parts = folded.split("/")
        folders.update("/".join(parts[:i]) for i in range(1, len(parts)))
    both = next((seen[folder] for folder in sorted(folders) if folder in seen), None)
    return None if both is None else f"{both!r} is a file and a folder"
