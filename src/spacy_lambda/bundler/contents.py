"""The modules of spacy-lambda that go into a function; nothing else of it does."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SHIPPED_FOLDERS", "SHIPPED_MODULES", "shipped_files"]

SHIPPED_MODULES = (
    "__init__.py",
    "digest.py",
    "errors.py",
    "location.py",
    "manifest.py",
    "pipelines.py",
    "strict_json.py",
    "artifact/__init__.py",
    "artifact/background.py",
    "artifact/form.py",
    "artifact/names.py",
    "artifact/pack.py",
    "artifact/unpack.py",
    "artifact/verify.py",
)
"""Single modules: those that both sides use. A test compares the list with what the runtime imports."""

SHIPPED_FOLDERS = ("runtime", "source")
"""Packages that go in with all their modules and data, such as the page's."""

PASSED_OVER = ("__pycache__",)


def shipped_files(package: Path) -> tuple[str, ...]:
    """What goes in of the package's folder: paths below it, sorted.

    :param package: The folder of ``spacy_lambda``.
    """
    inside = (path.relative_to(package) for name in SHIPPED_FOLDERS for path in (package / name).rglob("*"))
    found = (path.as_posix() for path in inside if not {*path.parts} & {*PASSED_OVER} and (package / path).is_file())
    return tuple(sorted((*SHIPPED_MODULES, *found)))
