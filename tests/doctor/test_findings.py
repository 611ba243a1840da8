"""What findings mean: for one stage, for the local half, and on the screen."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from typer.testing import CliRunner

from spacy_lambda.cli import make_app
from spacy_lambda.cli.doctor_report import doctor_without_typer
from spacy_lambda.doctor.examination import Check, Examination, run_checks
from spacy_lambda.doctor.finding import EVERY_STAGE, Finding
from spacy_lambda.errors import SpacyLambdaError

PYTHON = Finding("Python", "3.10.1; 3.11 or later is needed", "uv venv --python 3.11", EVERY_STAGE)
CREDENTIALS = Finding("AWS credentials", "none found", "aws sso login", frozenset({"deploy"}))
QUOTAS = Finding("Lambda quotas", "not checked without an account", skipped=True)
FINE = Finding("disk", "80 GB free")


def test_a_missing_account_fails_for_deploy_alone() -> None:
    found = Examination((FINE, CREDENTIALS, QUOTAS))
    assert [one.status(None) for one in found.findings] == ["ok", "warning", "skipped"]
    assert [one.status("deploy") for one in found.findings] == ["ok", "failed", "skipped"]
    assert (found.failed(None), found.failed("compile"), found.failed("deploy")) == ([], [], [CREDENTIALS])
    blocked = found.blocked()
    assert blocked.pop("deploy") == ["AWS credentials"]
    assert blocked == {"serve": [], "compile": [], "annotate": [], "bundle": [], "rehearse": []}


def test_what_every_command_needs_fails_everything() -> None:
    found = Examination((PYTHON, FINE))
    assert found.failed(None) == [PYTHON]
    assert set(map(tuple, found.blocked().values())) == {("Python",)}


def _broken() -> list[Finding]:
    raise KeyError("nobody expects this")


def test_a_check_that_fails_or_does_not_end_is_a_finding() -> None:
    never = threading.Event()
    checks = [
        Check("first", lambda: [FINE]),
        Check("broken", _broken),
        Check("hanging", lambda: [FINE] if never.wait() else [], frozenset({"deploy"})),
    ]
    first, broken, hanging = run_checks(checks, seconds=0.2)
    never.set()
    assert first is FINE
    assert (broken.name, broken.status("deploy")) == ("broken", "warning")
    assert "KeyError" in broken.detail
    assert (hanging.detail, hanging.status("deploy")) == ("cannot be checked: no answer within 0.2 s", "failed")


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_lambda.doctor.examine", lambda **_: Examination((FINE, CREDENTIALS, QUOTAS)))


LINES = """\
ok       disk             80 GB free
warning  AWS credentials  none found
                          remedy: aws sso login
skipped  Lambda quotas    not checked without an account

works here: serve, compile, annotate, bundle, rehearse
blocked: deploy (AWS credentials)
"""


@pytest.mark.usefixtures("examined")
def test_each_finding_is_a_line_with_its_remedy() -> None:
    result = CliRunner().invoke(make_app(), ["doctor"])
    assert (result.exit_code, result.stdout) == (0, LINES)
    result = CliRunner().invoke(make_app(), ["doctor", "--for", "deploy"])
    assert result.stdout == LINES.replace("warning", "failed ")
    assert isinstance(result.exception, SpacyLambdaError)
    assert result.exception.message == "deploy does not work here: AWS credentials"
    assert result.exception.remedy == "aws sso login"


@pytest.mark.usefixtures("examined")
def test_findings_are_json() -> None:
    result = CliRunner().invoke(make_app(), ["doctor", "--for", "bundle", "--json"])
    found: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["ok"] is True
    assert found["blocked"]["deploy"] == ["AWS credentials"]
    assert found["findings"][1] == {
        "name": "AWS credentials",
        "status": "warning",
        "detail": "none found",
        "remedy": "aws sso login",
    }


@pytest.mark.usefixtures("examined")
@pytest.mark.parametrize(("arguments", "code"), [([], None), (["--for", "nothing"], 2)])
def test_the_command_works_without_typer(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        doctor_without_typer(arguments)
    assert caught.value.code == code
    if code is None:
        assert capsys.readouterr().out == LINES
