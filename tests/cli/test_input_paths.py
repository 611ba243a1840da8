"""Paths that do not exist are reported before the libraries that take seconds to import."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_lambda.cli import make_app
from spacy_lambda.errors import SpacyLambdaError

HEAVY = ("compile", "description", "verification")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("inspect output/model-best", "there is no pipeline 'output/model-best'"),
        ("inspect notes.txt", "has the unknown suffix '.txt'"),
        ("inspect mine --code none.py", "none.py cannot be included: it does not exist"),
        ("compile output/model-best compiled", "there is no pipeline 'output/model-best'"),
        ("compile mine compiled --verify none.jsonl", "none.jsonl does not exist"),
        ("compile mine compiled --precision int8 --calibrate none.jsonl", "none.jsonl does not exist"),
        ("compile mine compiled --calibrate notes.txt", "applies to int8 only"),
        ("compile mine full", "full exists"),
        ("compile mine mine/compiled", "is inside the original"),
        ("verify output/model-best mine --texts notes.txt", "there is no pipeline 'output/model-best'"),
        ("verify mine output/compiled --texts notes.txt", "there is no pipeline 'output/compiled'"),
        ("verify mine mine --texts none.jsonl", "none.jsonl does not exist"),
    ],
)
def test_a_missing_path_is_reported_before_imports(
    command: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for module in HEAVY:
        monkeypatch.setitem(sys.modules, f"spacy_lambda.compiler.{module}", None)
    for file in ("notes.txt", "mine/config.cfg", "mine/meta.json", "full/file"):
        Path(file).parent.mkdir(exist_ok=True)
        Path(file).write_text("")
    done = CliRunner().invoke(make_app(), command.split())
    assert isinstance(done.exception, SpacyLambdaError), done.output
    assert message in done.exception.message
