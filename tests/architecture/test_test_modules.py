"""Test modules share helpers through plain modules."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]


def is_test_module(name: str) -> bool:
    first, last = name.partition(".")[0], name.rpartition(".")[2]
    return first == "tests" and (last == "conftest" or last.startswith("test_"))


def test_no_module_imports_a_test_module() -> None:
    paths = sorted(TESTS.rglob("*.py"))
    found = [
        (path.relative_to(TESTS).as_posix(), node.level, node.module or "")
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
    ]
    assert [one for one in found if one[1] or is_test_module(one[2])] == []
