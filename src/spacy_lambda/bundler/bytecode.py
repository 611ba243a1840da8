"""Bytecode for the target's Python, if that is installed here; without it, each cold start compiles the sources."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from spacy_lambda.bundler.target import Target
from spacy_lambda.errors import BundleError

__all__ = ["compile_tree", "find_python"]

TASK_ROOT = "/var/task"
"""The folder into which Lambda unpacks a zip; bytecode contains its source's path."""


def find_python(target: Target) -> str | None:
    """Return an interpreter of the target's version, on the path or among pyenv's; ``None`` without one.

    It is the interpreter itself: a shim starts another one, or none, with another path or other variables of pyenv.
    """
    found = (_interpreter(path) for path in _candidates(target))
    return next((path for version, path in found if version == target.python), None)


def compile_tree(tree: Path, python: str, *, skip: str) -> None:
    """Compile every source; Python does not compare the bytecode with its source afterwards.

    :param python: An interpreter of the target's version.
    :param skip: A folder in the tree that is not compiled.
    :raises BundleError: If a source cannot be compiled.
    """
    command = [python, "-I", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(tree), "-p", TASK_ROOT, "-x", f"^{re.escape(f'{tree}/{skip}/')}", str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundleError(
            f"compiling bytecode failed: {done.stdout[-1000:]}",
            remedy="report it to the maintainers of the file's package",
        )


def _candidates(target: Target) -> Iterator[str]:
    name = f"python{target.python}"
    yield sys.executable
    found = shutil.which(name)
    if found is not None:
        yield found
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    yield from sorted(glob.glob(f"{glob.escape(root)}/versions/{target.python}.*/bin/{name}"), reverse=True)


@cache
def _interpreter(python: str) -> tuple[str, str]:
    """Return ``3.13`` and the program itself; nothing for a shim of pyenv's without an installed Python.

    Such a shim takes long to start.
    """
    if python == sys.executable:
        return "{}.{}".format(*sys.version_info), python
    script = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
    try:
        done = subprocess.run([python, "-IS", "-c", script], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return "", ""
    version, _, path = done.stdout.strip().partition(" ")
    return version, path
