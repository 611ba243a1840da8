"""Bytecode for the target's Python, if that is installed here; without it, each cold start compiles the sources."""

from __future__ import annotations

import glob
import os
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
    """Return an interpreter of the target's version, on the path or among pyenv's; ``None`` without one."""
    return next((path for path in _candidates(target) if _version(path) == target.python), None)


def compile_tree(tree: Path, python: str, *, skip: str) -> None:
    """Compile every source; Python does not compare the bytecode with its source afterwards.

    :param python: An interpreter of the target's version.
    :param skip: A folder in the tree that is not compiled.
    :raises BundleError: If a source cannot be compiled.
    """
    command = [python, "-I", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(tree), "-p", TASK_ROOT, "-x", f"^{tree}/{skip}/", str(tree)]
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
    yield from sorted(glob.glob(f"{root}/versions/{target.python}.*/bin/{name}"), reverse=True)


@cache
def _version(python: str) -> str | None:
    """Return ``3.13``; ``None`` for a shim of pyenv's without an installed Python, which takes long to start."""
    if python == sys.executable:
        return "{}.{}".format(*sys.version_info)
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-IS", "-c", script], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
