"""Byte code for the target's Python, where that is installed here: Lambda cannot keep what it would compile itself."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from spacy_lambda.bundler.target import Target
from spacy_lambda.errors import BundleError

__all__ = ["compile_tree", "find_python"]

TASK_ROOT = "/var/task"
"""Where Lambda unpacks a zip; byte code names its source by it."""


def find_python(target: Target) -> str | None:
    """An interpreter of the target's version, on the path or among pyenv's."""
    return next((path for path in _candidates(target) if _version(path) == target.python), None)


def compile_tree(tree: Path, python: str, *, skip: str) -> None:
    """Compile every source once; the byte code is used as it is, whatever the sources' times are.

    :param python: An interpreter of the target's version.
    :param skip: A folder in the tree that is left as it is.
    :raises BundleError: If a source cannot be compiled.
    """
    command = [python, "-I", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(tree), "-p", TASK_ROOT, "-x", f"^{tree}/{skip}/", str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundleError(
            f"byte code cannot be made: {done.stdout[-1000:]}", remedy="see which package it is, and report it"
        )


def _candidates(target: Target) -> Iterator[str]:
    name = f"python{target.python}"
    yield sys.executable
    found = shutil.which(name)
    if found is not None:
        yield found
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    yield from sorted(glob.glob(f"{root}/versions/{target.python}.*/bin/{name}"), reverse=True)


def _version(python: str) -> str | None:
    """``3.13``; a shim that has no such Python says nothing."""
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-I", "-c", script], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
