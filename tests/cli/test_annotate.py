"""``spacy-lambda annotate`` on Lambda costs money, so it asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from spacy_lambda.cli import make_app
from spacy_lambda.corpus import Summary
from spacy_lambda.errors import DeployError


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the arguments of every run; nothing is run."""
    found: list[dict[str, Any]] = []

    def annotate(*args: Any, **options: Any) -> Summary:
        found.append(options)
        return Summary(destination="out")

    monkeypatch.setattr("spacy_lambda.corpus.job.annotate", annotate)
    return found


@pytest.mark.parametrize("words", [["--function", "ner"], ["--on", "lambda"]])
def test_lambda_is_confirmed(runs: list[dict[str, Any]], tmp_path: Path, words: list[str]) -> None:
    arguments = ["annotate", "in.jsonl", str(tmp_path / "out"), *words]
    refused = CliRunner().invoke(make_app(), arguments)
    assert isinstance(refused.exception, DeployError)
    assert "pass --yes" in str(refused.exception)
    assert runs == []
    assert CliRunner().invoke(make_app(), [*arguments, "--yes"]).exit_code == 0
    assert len(runs) == 1


@pytest.mark.parametrize("words", [[], ["--on", "local"], ["--on", "ray"]])
def test_other_engines_are_not(runs: list[dict[str, Any]], tmp_path: Path, words: list[str]) -> None:
    arguments = ["annotate", "in.jsonl", str(tmp_path / "out"), "--pipeline", "compiled", *words]
    assert CliRunner().invoke(make_app(), arguments).exit_code == 0
    assert len(runs) == 1
