"""The tables of ``verify``: readable in 80 columns, with nothing cut off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from spacy_lambda.cli.verify_report import print_report
from spacy_lambda.compiler.report import (
    ComponentReport,
    Difference,
    LabelReport,
    PipelineTime,
    TextFailure,
    VerificationReport,
)


def row(component: str, annotation: str, *, compiled: int = 1_200, **changes: Any) -> ComponentReport:
    settings: dict[str, Any] = {
        "counts": True,
        "largest_difference": None,
        "gold_original": 0.9388,
        "gold_compiled": 0.9388,
        "differing_documents": (),
        **changes,
    }
    agreement = 0.9876 if compiled else None
    return ComponentReport(
        component, annotation, 1_200, compiled, 1_100, agreement, identical_documents=100, **settings
    )


REPORT = VerificationReport(
    documents=100,
    identical_documents=7,
    largest_hidden_difference=0.01,
    relative_hidden_error=0.001,
    unlike_documents=0,
    components=(
        row("tagger", "tags"),
        row("ner", "ents", compiled=1_199, labels={"MATERIAL": LabelReport(7, 8, 7, 0.9)}, gold_compiled=0.9301),
        row("spancat", "spans[sc].scores", counts=False, largest_difference=0.0161, gold_original=None),
    ),
    not_compared=(),
    failures=(),
    differences=(Difference(0, "spancat", "spans[sc].scores", 10, 14, "iron", "MATERIAL 0.51", "MATERIAL 0.49"),),
    speed={"original": PipelineTime(1, 1_000, 20), "compiled": PipelineTime(1, 1_000, 20)},
)


def test_tables_in_80_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "dumb")
    print_report(REPORT.to_dict())
    printed = capsys.readouterr().out
    lines = [line.replace(" ", "") for line in printed.splitlines()]
    assert max(map(len, printed.splitlines())) <= 80
    assert "…" not in printed.replace("(…)", "")
    assert "│tagger│tags│1200│0.9876│100/100│0.9388│" in lines
    assert "│ner│ents│1200→1199│0.9876│100/100│0.9388→│" in lines
    assert "│spancat│spans[sc]│1200│(0.9876)│100/100│1.6e-02│" in lines
    assert "│ner│MATERIAL│7→8│0.9000│" in lines
    assert "│0│spancat:│10-14│iron│MATERIAL0.51│MATERIAL0.49│" in lines


def test_columns_without_figures_are_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    plain = {**REPORT.to_dict(), "components": [REPORT.to_dict()["components"][0] | {"gold_original": None}]}
    print_report(plain)
    printed = capsys.readouterr().out
    assert "gold F1" not in printed
    assert "scores" not in printed.partition("differences")[0]


def test_failures_of_which_a_compile_keeps_the_number(capsys: pytest.CaptureFixture[str]) -> None:
    failures = (TextFailure(1, "original", "ner", "x"), TextFailure(1, "compiled", "ner", "x"))
    report = replace(REPORT, failures=(*failures, TextFailure(2, "compiled", "ner", "x")))
    assert report.compiled_failures == 1
    print_report(report.summary())
    assert "3 failures of the pipelines on these texts; `spacy-lambda verify` lists them" in capsys.readouterr().out
