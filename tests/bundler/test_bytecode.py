"""Which interpreter compiles and runs a bundle."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from spacy_lambda.bundler.bytecode import find_python
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
