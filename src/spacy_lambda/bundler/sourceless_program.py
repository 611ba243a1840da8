"""Sources -> bytecode without docstrings, by the target's Python: a program that imports the standard library only."""

from __future__ import annotations

import ast
import importlib.util
import marshal
import sys
from pathlib import Path

__all__ = ["compile_source"]

UNCHECKED_HASH = (0b01).to_bytes(4, "little")
"""Flags of bytecode that Python does not compare with its source."""

WITH_DOCSTRINGS = "numpy/_core/"
"""A folder whose docstrings are kept: numpy computes with them, unless Python itself runs with ``-OO``."""

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def compile_source(source: bytes, name: str, *, docstrings: bool) -> bytes:
    """Return the bytecode of a module.

    :param name: The path that tracebacks show.
    :param docstrings: Keep the docstrings.
    """
    tree = ast.parse(source, name)
    for node in () if docstrings else ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.copy_location(ast.Pass(), node.body[0])]
    code = marshal.dumps(compile(tree, name, "exec", dont_inherit=True, optimize=0))
    return importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + importlib.util.source_hash(source) + code


def main(root: str, task_root: str) -> None:
    """Write the bytecode of each source next to it.

    :param root: The bundle's folder; the paths below it come from standard input.
    :param task_root: The folder that contains it in the function.
    """
    for name in sys.stdin.read().splitlines():
        path = Path(root, name)
        code = compile_source(path.read_bytes(), f"{task_root}/{name}", docstrings=name.startswith(WITH_DOCSTRINGS))
        path.with_suffix(".pyc").write_bytes(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
