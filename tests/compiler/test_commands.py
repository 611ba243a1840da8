"""The commands ``compile`` and ``verify``, as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda import cli
from spacy_lambda.compiler.compile import compile_pipeline
from tests.compiler.originals import TEXTS
from tests.compiler.pipelines import unproved

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]


def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spacy_lambda", *map(str, arguments)]
    environ = {"COLUMNS": "160", "PATH": "", **variables}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environ)


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process, in which torch is imported already; what libraries in C print is captured too."""

    def run_command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        words = ["spacy-lambda", *map(str, arguments)]
        monkeypatch.setenv("COLUMNS", "160")
        monkeypatch.setattr(sys, "argv", words)
        capfd.readouterr()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(SystemExit) as ended:
                cli.main()
        printed = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return subprocess.CompletedProcess(words, ended.value.code, printed.out, printed.err)

    return run_command


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    return path


def test_compile_then_verify(original: Callable[..., Path], tmp_path: Path, texts: Path, run_here: Run) -> None:
    out = tmp_path / "out"
    compiled = run_here("compile", original(), out)
    assert compiled.returncode == 0, compiled.stderr
    assert "xx_pipeline 0.0.0 at fp32" in compiled.stdout
    assert "spacy-lambda verify" in compiled.stdout
    verified = run_here("verify", original(), out, "--texts", texts, "--min-agreement", "1.0")
    assert verified.returncode == 0, verified.stderr
    assert "1.0000" in verified.stdout
    assert f"{len(TEXTS)} identical" in verified.stdout


def test_json(original: Callable[..., Path], tmp_path: Path, texts: Path, run_here: Run) -> None:
    out = tmp_path / "out"
    compiled = run_here("compile", original(), out, "--precision", "int8", "--verify", texts, "--json")
    assert compiled.returncode == 0, compiled.stderr
    meta = json.loads(compiled.stdout)
    assert meta["precision"] == "int8"
    verified = run_here("verify", original(), out, "--texts", texts, "--json")
    report = json.loads(verified.stdout)
    # Differences quote the texts, and meta.json may be published; times are never the same twice.
    for name in ("documents", "identical_documents", "agreement", "components", "relative_hidden_error"):
        assert report[name] == meta["verification"][name]
    assert "differences" in report
    assert "differences" not in meta["verification"]


def test_an_empty_comparison_is_an_error(tmp_path: Path, run_here: Run) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler")
    nlp.to_disk(tmp_path / "pipeline")
    (tmp_path / "text.txt").write_text("Nothing is found here.")
    done = run_here("verify", tmp_path / "pipeline", tmp_path / "pipeline", "--texts", tmp_path / "text.txt")
    assert done.returncode == 1
    assert "error: nothing to compare: neither pipeline annotates these texts" in done.stderr
    assert "remedy: give texts" in done.stderr
    assert "1.0000" not in done.stdout


def test_differences_are_shown(tmp_path: Path, run_here: Run) -> None:
    for name, label in (("first", "MATERIAL"), ("second", "TASK")):
        nlp = spacy.blank("en")
        ruler: Any = nlp.add_pipe("entity_ruler")
        ruler.add_patterns([{"label": label, "pattern": "iron"}])
        nlp.to_disk(tmp_path / name)
    (tmp_path / "text.txt").write_text("Here is iron. " * 30)
    done = run_here("verify", tmp_path / "first", tmp_path / "second", "--texts", tmp_path / "text.txt")
    assert done.returncode == 0, done.stderr
    assert "the first 10 of 30" in done.stdout
    assert "MATERIAL" in done.stdout
    assert "8-12" in done.stdout
    assert "ms per text" in done.stdout
    assert len(done.stdout.splitlines()) < 50


def test_too_little_agreement(original: Callable[..., Path], tmp_path: Path, texts: Path, run_here: Run) -> None:
    source, out = original(), tmp_path / "out"
    compile_pipeline(str(source), out, prove=unproved)
    # A recognizer that was trained on another transformer stands in for one that came out wrong.
    ner = original(architecture="bert-relu") / "ner" / "model"
    (out / "ner" / "model").write_bytes(ner.read_bytes())
    done = run_here("verify", source, out, "--texts", texts, "--min-agreement", "1.0")
    assert done.returncode == 1
    assert "below 1.0" in done.stderr
    assert "remedy: compile with --precision fp32" in done.stderr


@Language.factory("fails_on_glass", default_config={"fails": True})
def make_fails_on_glass(nlp: Language, name: str, fails: bool) -> Callable[[Doc], Doc]:
    def run_on(doc: Doc) -> Doc:
        if fails and "glass" in doc.text:
            raise ValueError("glass")
        return doc

    return run_on


@pytest.mark.parametrize(("original_fails", "code"), [(False, 1), (True, 0)])
def test_texts_on_which_only_the_compiled_pipeline_fails(
    tmp_path: Path, run_here: Run, original_fails: bool, code: int
) -> None:
    for name, fails in (("first", original_fails), ("second", True)):
        nlp = spacy.blank("xx")
        ruler: Any = nlp.add_pipe("entity_ruler")
        ruler.add_patterns([{"label": "MATERIAL", "pattern": "iron"}])
        nlp.add_pipe("fails_on_glass", config={"fails": fails})
        nlp.to_disk(tmp_path / name)
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"text": "iron"}\n{"text": "glass"}\n')
    command = ("verify", tmp_path / "first", tmp_path / "second", "--texts", texts, "--min-agreement", "1.0")
    done = run_here(*command)
    assert "compiled fails on text 1 in fails_on_glass: ValueError: glass" in done.stdout
    assert done.returncode == code
    assert ("the compiled pipeline fails on 1 text on which the original does not" in done.stderr) == (code == 1)


def test_a_known_error_has_its_remedy_and_no_traceback(tmp_path: Path) -> None:
    done = run("compile", tmp_path / "nothing", tmp_path / "out", PYTHONPATH=os.environ["PYTHONPATH"])
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "remedy: give a pipeline folder" in done.stderr
    assert "Traceback" not in done.stderr
