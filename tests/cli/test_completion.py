"""The shell completes choices and the project's functions; help lists the commands by stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from spacy_lambda.cli import make_app
from spacy_lambda.core.lambda_function import PYTHONS
from spacy_lambda.corpus.formats.registry import FORMATS


def completions(command: str, parameter: str, incomplete: str = "", **given: Any) -> list[str]:
    app: Any = get_command(make_app())
    found = app.commands[command]
    context = found.make_context(command, [], resilient_parsing=True)
    context.params.update(given)
    (one,) = [one for one in found.params if one.name == parameter]
    return [item.value for item in one.shell_complete(context, incomplete)]


@pytest.mark.parametrize(
    ("command", "parameter", "expected"),
    [
        ("compile", "precision", ["auto", "fp32", "int8", "int8-weight-only"]),
        ("bundle", "architecture", ["x86_64", "arm64"]),
        ("bundle", "python", list(PYTHONS)),
        ("bundle", "shape", ["auto", "zip", "image"]),
        ("bundle", "engine", ["docker", "podman", "finch", "buildah", "none"]),
        ("run-bundle", "engine", ["docker", "podman", "finch", "buildah"]),
        ("push", "sse", ["AES256", "aws:kms", "aws:kms:dsse"]),
        ("annotate", "on_error", ["skip", "stop"]),
        ("annotate", "long_text", ["refuse", "split"]),
        ("annotate", "input_format", list(FORMATS)),
        ("annotate", "output_format", [name for name, one in FORMATS.items() if one.is_written]),
    ],
)
def test_choices(command: str, parameter: str, expected: list[str]) -> None:
    assert sorted(completions(command, parameter)) == sorted(expected)


def test_lists() -> None:
    assert completions("annotate", "include", "ents,s") == ["ents,sents", "ents,spans"]
    assert "ents,ents" not in completions("annotate", "include", "ents,e")


@pytest.mark.parametrize(
    ("command", "parameter"),
    [("status", "functions"), ("logs", "function"), ("invoke", "name"), ("annotate", "function")],
)
def test_functions_of_the_project(command: str, parameter: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert completions(command, parameter) == []
    Path("spacy-lambda.toml").write_text("[functions.ner]\n[functions.names]\n[functions.tags]\n", encoding="utf-8-sig")
    assert completions(command, parameter, "n") == ["ner", "names"]
    Path("other.toml").write_text("[functions.other]\n", encoding="utf-8")
    assert completions(command, parameter, config="other.toml") == ["other"]
    Path("spacy-lambda.toml").write_bytes(b"\xff")
    assert completions(command, parameter) == []


def test_help_groups_the_commands_by_stage() -> None:
    output = CliRunner().invoke(make_app(), ["--help"], env={"COLUMNS": "100"}).output
    stages = ["Compile and check", "Share", "Deploy", "Run", "Corpus"]
    places = [output.index(f"─ {stage} ─") for stage in stages]
    assert places == sorted(places)
    assert "Commands" not in output
