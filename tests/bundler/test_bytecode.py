"""Bytecode, and the interpreter that compiles it and runs the bundle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spacy_lambda.bundler.bytecode import compile_tree, find_python
from spacy_lambda.bundler.target import Target

NAME = "python3.12"
SHIM = """#!/bin/sh
test -n "$SHIM_OF" || exit 127
exec "$SHIM_OF" "$@"
"""
PYTHON = """#!/bin/sh
echo "3.12 $0"
"""


@pytest.fixture
def shim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shim on the path, and the interpreter that it starts if a variable names it."""
    shim, python = tmp_path / "shims" / NAME, tmp_path / "real" / NAME
    for path, script in ((shim, SHIM), (python, PYTHON)):
        path.parent.mkdir()
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    return python


def test_a_shim_is_followed_to_its_interpreter(shim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIM_OF", str(shim))
    assert find_python(Target(python="3.12")) == str(shim)


def test_a_shim_without_an_interpreter_is_none(shim: Path) -> None:
    assert find_python(Target(python="3.12")) is None


def test_byte_code_is_used_as_it_is(tmp_path: Path) -> None:
    tree = tmp_path / "tree (c++) [a].*"  # a path, not a regular expression
    for name in ("a/b.py", "pipeline/c.py"):
        (tree / name).parent.mkdir(parents=True)
        (tree / name).write_text("VALUE = 1\n")
    compile_tree(tree, sys.executable, skip="pipeline")
    (code,) = tree.rglob("*.pyc")
    assert code.parent == tree / "a" / "__pycache__"
    assert b"/var/task/a/b.py" in code.read_bytes()
    assert str(tmp_path).encode() not in code.read_bytes()
    (tree / "a" / "b.py").write_text("VALUE = 2\n")
    script = f"import sys; sys.path.insert(0, {str(tree)!r}); import a.b; print(a.b.VALUE)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "1\n"


def test_no_such_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    other = next(python for python in ("3.12", "3.14") if python != version)
    assert find_python(Target(other)) is None
    shim = tmp_path / "versions" / f"{other}.1" / "bin" / f"python{other}"
    shim.parent.mkdir(parents=True)
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    assert find_python(Target(other)) is None
