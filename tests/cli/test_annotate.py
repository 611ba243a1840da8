"""``spacy-lambda annotate``: it asks before it costs money, and reports progress, warnings and errors."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from spacy_lambda.cli import make_app
from spacy_lambda.cli.annotate_progress import annotate_progress, announced_executions
from spacy_lambda.core.annotation import Counts
from spacy_lambda.corpus.choices import OUTPUT_FORMATS, SOURCE_FORMATS
from spacy_lambda.corpus.estimate import EngineEstimate, Estimate
from spacy_lambda.corpus.formats.registry import FORMATS
from spacy_lambda.corpus.summary import Progress, ShardStates, Summary
from spacy_lambda.errors import DeployError, SpacyLambdaError


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
def test_lambda_is_confirmed(
    runs: list[dict[str, Any]], tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacy_lambda.corpus.engines.deployed.find_deployed", lambda *args, **options: None)
    arguments = ["annotate", "in.jsonl", str(tmp_path / "out"), *words]
    refused = CliRunner().invoke(make_app(), arguments)
    assert isinstance(refused.exception, DeployError)
    assert "pass --yes" in str(refused.exception)
    assert runs == []
    assert CliRunner().invoke(make_app(), [*arguments, "--yes"]).exit_code == 0
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--function", "ner"], "does not exist"),
        (["--on", "lambda"], "does not exist"),
        (["--on", "lambda", "--pipeline", "compiled"], "on Lambda, the pipeline is the function's"),
        (["--function", "ner", "--pipeline", "compiled"], "on Lambda, the pipeline is the function's"),
        (["--on", "local", "--function", "ner", "--pipeline", "compiled"], "has no use on this engine"),
    ],
)
def test_what_is_wrong_with_the_function_is_reported_before_a_confirmation_is_required(
    runs: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(make_app(), ["annotate", "in.jsonl", "out", *words])
    assert isinstance(refused.exception, SpacyLambdaError)
    assert message in str(refused.exception)
    assert runs == []


def test_the_formats_of_the_help_are_all_of_them() -> None:
    assert tuple(FORMATS) == SOURCE_FORMATS
    assert tuple(name for name, one in FORMATS.items() if one.is_written) == OUTPUT_FORMATS


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


SUMMARY = Summary(
    destination="out",
    counts=Counts(documents=9, errors=8),
    errors_file="_errors.jsonl",
    reasons=Counter({"row 3 has 4 cells": 4, "b": 2, "c": 1, "d": 1}),
)


@pytest.mark.parametrize(
    ("summary", "expected", "missing"),
    [
        (SUMMARY, ["    4: row 3 has 4 cells", "    and 1 other reason: see out/_errors.jsonl"], "truncated"),
        (replace(SUMMARY, reasons=Counter("aaabbc")), ["    3: a", "    1: c"], "other reason"),
        (replace(SUMMARY, reasons=Counter("abcde")), ["    and 2 other reasons: see out/_errors.jsonl"], "truncated"),
        (
            replace(SUMMARY, resumed=9),
            ["  nothing to do: all of them were annotated before (8 of them with an error)"],
            "resumed",
        ),
        (
            replace(SUMMARY, counts=Counts(documents=9, truncated=2)),
            ["  0 without entities, 2 truncated, 0 with an error"],
            "nothing to do",
        ),
    ],
)
def test_the_summary_of_errors(
    monkeypatch: pytest.MonkeyPatch, summary: Summary, expected: list[str], missing: str
) -> None:
    monkeypatch.setattr("spacy_lambda.corpus.job.annotate", lambda *args, **options: summary)
    printed = CliRunner().invoke(make_app(), ["annotate", "in.jsonl", "out", "--pipeline", "compiled"]).stdout
    assert [line for line in expected if line not in printed.splitlines()] == []
    assert missing not in printed


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


ESTIMATE = Estimate(
    documents=1000,
    unreadable=2,
    characters=10**6,
    shards=12,
    sampled=50,
    words_per_document=180,
    documents_per_second=20,
    engines=(
        EngineEstimate(engine="lambda", seconds=120, units=12, measured_on="papers-ner", invocations=12, cost=0.0123),
    ),
)


def annotated_after(
    answer: bool, estimate: Estimate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[Result, dict[str, Any]]:
    """Run the command at a terminal with this answer to its question; return the estimate's options too."""
    options: dict[str, Any] = {}

    def estimated(sources: Any, destination: Any, **given: Any) -> Estimate:
        options.update(given, destination=destination)
        return estimate

    monkeypatch.setattr("spacy_lambda.corpus.estimate.estimate_corpus", estimated)
    monkeypatch.setattr("spacy_lambda.cli.annotate.require_terminal", lambda **_: None)
    monkeypatch.setattr("spacy_lambda.cli.annotate.confirm", lambda question, **_: answer)
    words = ["annotate", "in.jsonl", str(tmp_path / "out"), "--function", "ner", "--include", "ents,sents"]
    return CliRunner().invoke(make_app(), words), options


def test_the_cost_is_shown_before_it_is_confirmed(
    runs: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, options = annotated_after(False, ESTIMATE, monkeypatch, tmp_path)
    assert refused.exit_code == 1
    assert runs == []
    assert refused.stderr.splitlines() == [
        "1,000 documents, 2 of which cannot be read, about 180 words each, in 12 shards",
        "one invocation of papers-ner annotates 20.0 documents/s (measured on 50)",
        "12 invocations, 12 at a time: about 2 min, about $0.0123 by list prices",
        "not confirmed; nothing but the sample was sent",
    ]
    assert (options["function"], options["include"], options["on_lambda"]) == ("ner", ["ents", "sents"], True)
    assert options["destination"] == str(tmp_path / "out")
    assert annotated_after(True, ESTIMATE, monkeypatch, tmp_path)[0].exit_code == 0
    assert len(runs) == 1


def test_what_costs_nothing_is_not_confirmed(
    runs: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Estimate(documents=0, unreadable=0, characters=0, shards=0)
    assert annotated_after(False, nothing, monkeypatch, tmp_path)[0].exit_code == 0
    assert len(runs) == 1


EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:papers-ner-annotate:one"
STOP = f"stop-execution --execution-arn {EXECUTION} --region eu-central-1"


@pytest.mark.parametrize(("stopped", "text"), [(True, "the execution was stopped; run the same"), (False, STOP)])
def test_an_interrupt_names_what_became_of_the_execution(
    capsys: pytest.CaptureFixture[str], stopped: bool, text: str
) -> None:
    states = ShardStates(execution=EXECUTION)
    progress = Progress(documents=1, words=1, errors=0, resumed=0, read_bytes=1, total_bytes=1, states=states)
    seen: list[Progress] = []

    def interrupted() -> None:
        with announced_executions(seen.append) as on_progress:
            on_progress(progress)
            on_progress(replace(progress, states=replace(states, stopped=stopped)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    first, last = capsys.readouterr().err.splitlines()
    assert first == f"execution: {EXECUTION}"
    assert text in last
    assert len(seen) == 2
