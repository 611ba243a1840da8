"""The paths that a command is given, checked before the compiler's libraries are imported, which takes seconds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from spacy_lambda.errors import CompileError, VerifyError

__all__ = ["check_paths", "check_texts", "code_problem"]


def check_paths(*, texts: Iterable[Path | None] = (), code: Iterable[Path] | None = None) -> None:
    """Check that the files that a command reads exist, in addition to its pipelines.

    :param texts: Files and folders of texts, if they are given.
    :param code: Files of code.
    :raises VerifyError: If there are no such texts.
    :raises CompileError: If there is no such code.
    """
    for path in texts:
        if path is not None:
            check_texts(path)
    for entry in code or ():
        problem = code_problem(entry)
        if problem is not None:
            raise CompileError(f"{entry.resolve()} cannot be included: {problem[0]}", remedy=problem[1])


def check_texts(path: Path) -> None:
    """Check that texts exist.

    :raises VerifyError: If they do not.
    """
    if not path.exists():
        raise VerifyError(
            f"{path} does not exist", remedy="check the path: a folder of .txt, a .jsonl or a .spacy file"
        )


def code_problem(entry: Path) -> tuple[str, str] | None:
    """Return why a path cannot be code, and the remedy."""
    if not entry.exists():
        return "it does not exist", "give a Python file, a package's folder, or a file next to them"
    if entry.is_dir() and not (entry / "__init__.py").is_file():
        return "it is a folder without __init__.py", "give the Python files in it, or make it a package"
    return None
