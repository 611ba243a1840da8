"""The part of spacy-lambda that goes into a function: what both sides share, and the runtime. Nothing else does."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SHIPPED_FOLDERS", "SHIPPED_MODULES", "shipped_files"]

SHIPPED_MODULES = ("__init__.py", "errors.py")

SHIPPED_FOLDERS = ("core", "runtime")
"""Packages with all their modules and data, such as the page's."""

PASSED_OVER = ("__pycache__",)


def shipped_files(package: Path) -> tuple[str, ...]:
    """Return the shipped files: paths below the package's folder, sorted.

    :param package: The folder of ``spacy_lambda``.
    """
    inside = (path.relative_to(package) for name in SHIPPED_FOLDERS for path in (package / name).rglob("*"))
    found = (path.as_posix() for path in inside if not {*path.parts} & {*PASSED_OVER} and (package / path).is_file())
    return tuple(sorted((*SHIPPED_MODULES, *found)))
