"""``spacy-lambda annotate``: it asks before it costs money, and reports progress, warnings and errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from spacy_lambda.cli import make_app
from spacy_lambda.cli.annotate_progress import annotate_progress
from spacy_lambda.core.annotation import Counts
from spacy_lambda.corpus import Progress, Summary
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


def test_a_missing_destination_is_named() -> None:
    for arguments in (["annotate"], ["annotate", "in.jsonl"]):
        result = CliRunner().invoke(make_app(), arguments, color=False)
        assert result.exit_code == 2
        assert "'SRC... DST'" in result.output


@pytest.mark.parametrize(("errors", "code"), [(0, 0), (2, 0), (3, 1)])
def test_the_exit_code_is_1_if_no_document_was_annotated(
    monkeypatch: pytest.MonkeyPatch, errors: int, code: int
) -> None:
    summary = Summary(
        destination="out", counts=Counts(documents=3, errors=errors), errors_file="_errors.jsonl" if errors else None
    )
    monkeypatch.setattr("spacy_lambda.corpus.job.annotate", lambda *args, **options: summary)
    for form in ([], ["--json"]):
        result = CliRunner().invoke(make_app(), ["annotate", "in.jsonl", "out", "--pipeline", "compiled", *form])
        assert result.exit_code == code
        assert ("none of the 3 documents was annotated" in result.stderr) == bool(code)
        assert ("see the errors in out/_errors.jsonl" in result.stderr) == bool(code)
        assert not form or json.loads(result.stdout)["counts"]["errors"] == errors


@pytest.mark.parametrize(
    ("destination", "errors_file", "path"),
    [
        ("out/", "_errors.jsonl", "out/_errors.jsonl"),
        ("all.jsonl", "all.errors.jsonl", "all.errors.jsonl"),
        ("s3://bucket/a/all.jsonl", "all.errors.jsonl", "s3://bucket/a/all.errors.jsonl"),
        ("out", None, None),
    ],
)
def test_the_path_of_the_errors(destination: str, errors_file: str | None, path: str | None) -> None:
    assert Summary(destination=destination, errors_file=errors_file).errors_path == path


def test_warnings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    def annotate(*args: Any, on_warning: Callable[[str], None], **options: Any) -> Summary:
        on_warning("no component sets cats")
        return Summary(destination="out")

    monkeypatch.setattr("spacy_lambda.corpus.job.annotate", annotate)
    result = CliRunner().invoke(make_app(), ["annotate", "in.jsonl", "out", "--pipeline", "compiled", "--json"])
    assert result.stderr == "warning: no component sets cats\n"
    assert json.loads(result.stdout)["destination"] == "out"


def test_progress_without_a_terminal_is_a_line_from_time_to_time(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 1.0, 10.0, 16.0, 17.0, 32.0])
    with annotate_progress(plain=False, clock=lambda: next(times)) as on_progress:
        for documents, seconds, total in (
            (0, 0.0, 400),
            (100, 10.0, 400),
            (160, 16.0, 400),
            (170, 17.0, 400),
            (320, 32.0, 360),
        ):
            figures = Progress(documents=documents, words=0, errors=2, resumed=40, read_bytes=1, total_bytes=1000)
            on_progress(replace(figures, seconds=seconds, total_documents=total))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "annotating: 200 documents, 10.0/s, 0 words/s, 2 errors, 50%, about 20 s left\n"
        "annotating: 360 documents, 10.0/s, 0 words/s, 2 errors\n"
    )
