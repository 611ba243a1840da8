"""The commands ``compile`` and ``verify``, as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .originals import TEXTS


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spacy_lambda", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"COLUMNS": "160", "PATH": ""})


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    return path


def test_compile_then_verify(original: Callable[..., Path], tmp_path: Path, texts: Path) -> None:
    out = tmp_path / "out"
    compiled = run("compile", original(), out)
    assert compiled.returncode == 0, compiled.stderr
    assert "en_pipeline 0.0.0 at fp32" in compiled.stdout
    assert "spacy-lambda verify" in compiled.stdout
    verified = run("verify", original(), out, "--texts", texts, "--min-agreement", "1.0")
    assert verified.returncode == 0, verified.stderr
    assert "1.0000" in verified.stdout
    assert f"{len(TEXTS)} identical" in verified.stdout


def test_json(original: Callable[..., Path], tmp_path: Path, texts: Path) -> None:
    out = tmp_path / "out"
    compiled = run("compile", original(), out, "--precision", "int8", "--verify", texts, "--json")
    assert compiled.returncode == 0, compiled.stderr
    meta = json.loads(compiled.stdout)
    assert meta["precision"] == "int8"
    verified = run("verify", original(), out, "--texts", texts, "--json")
    assert json.loads(verified.stdout) == meta["verification"]


def test_too_little_agreement(original: Callable[..., Path], tmp_path: Path, texts: Path) -> None:
    source, out = original(), tmp_path / "out"
    assert run("compile", source, out).returncode == 0
    # A recogniser that was trained on another transformer stands in for one that came out wrong.
    ner = original(architecture="bert-relu") / "ner" / "model"
    (out / "ner" / "model").write_bytes(ner.read_bytes())
    done = run("verify", source, out, "--texts", texts, "--min-agreement", "1.0")
    assert done.returncode == 1
    assert "below 1.0" in done.stderr
    assert "remedy: compile with --precision fp32" in done.stderr


def test_a_known_error_has_its_remedy_and_no_traceback(tmp_path: Path) -> None:
    done = run("compile", tmp_path / "nothing", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "remedy: give a pipeline directory" in done.stderr
    assert "Traceback" not in done.stderr
