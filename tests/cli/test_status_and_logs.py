"""``status``, ``logs`` and ``invoke`` report what there is, also where there is nothing."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from typer.testing import CliRunner

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.cli import make_app
from spacy_lambda.cli.log_lines import readable
from spacy_lambda.cli.rehearsal import with_local
from spacy_lambda.cli.status import _lines
from spacy_lambda.config.toml_file import WORK_FOLDER
from spacy_lambda.core.aws_error_kinds import LOGIN
from spacy_lambda.core.env_names import AWS_REGION_VARIABLES, REGION_VARIABLE
from spacy_lambda.deploy.function_status import FunctionStatus
from spacy_lambda.deploy.logs import LogEvent
from spacy_lambda.deploy.versions import Version
from spacy_lambda.errors import DeployError, InvokeError, SpacyLambdaError
from spacy_lambda.rehearsal.emulator_access import access_file
from tests.rehearsal.listeners import answering

PROJECT = '[project]\nname = "p"\nregion = "eu-central-1"\n[functions.ner]\npipeline = "./ok"\n'


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Return the profiles with which accounts are opened; the current folder has a project."""
    found: list[str | None] = []
    monkeypatch.chdir(tmp_path)
    Path("spacy-lambda.toml").write_text(PROJECT, encoding="utf-8")

    def open_account(project: Any, **options: Any) -> None:
        found.append(os.environ.get("AWS_PROFILE"))
        if "AWS_ACCESS_KEY_ID" in os.environ:
            found.append("the environment's keys")

    monkeypatch.setattr("spacy_lambda.deploy.aws.open_account", open_account)
    monkeypatch.setenv("AWS_PROFILE", "before")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    return found


def test_a_version_shows_its_date_and_its_pipeline() -> None:
    versions = (
        Version(2, "2026-11-26T05:10:11.000+0000", "a", "pipeline 0123456789ab", "en_ores 1.0-int8"),
        Version(1, "2026-11-25T05:10:11.000+0000", "b", "pipeline ba9876543210"),
    )
    assert versions[1].digest == "ba9876543210"
    lines = _lines(FunctionStatus("p-ner", "UPDATE_COMPLETE", "2", versions))
    assert "  version 2: 2026-11-26 05:10, en_ores 1.0-int8 (live)" in lines
    assert "  version 1: 2026-11-25 05:10, pipeline ba9876543210" in lines
    assert "spacy-lambda deploy" in _lines(FunctionStatus("p-ner", None))[0]


def test_an_interrupted_tuning_is_reported() -> None:
    lines = _lines(FunctionStatus("p-ner", "UPDATE_COMPLETE", "1", tuning="tune was interrupted"))
    assert "  tune was interrupted; `spacy-lambda tune` and `spacy-lambda deploy` restore it first" in lines


def test_an_empty_log_is_reported(profiles: list[str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    def read_log(*arguments: Any, **options: Any) -> list[Any]:
        return []

    monkeypatch.setattr("spacy_lambda.deploy.logs.read_log", read_log)
    done = CliRunner().invoke(make_app(), ["logs", "--since", "2h", "--profile", "mine"])
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "no log events of p-ner in the last 2h" in done.stderr
    assert profiles == ["mine"]
    assert (os.environ["AWS_PROFILE"], os.environ["AWS_ACCESS_KEY_ID"]) == ("before", "key")
    assert "--since 'x' is invalid" in str(CliRunner().invoke(make_app(), ["logs", "--since", "x"]).exception)
    assert profiles == ["mine"]


def invoke_nothing(*arguments: Any, **options: Any) -> None:
    missing = {"Error": {"Code": "ResourceNotFoundException", "Message": "Function not found"}}
    raise InvokeError("it returned 404", remedy="check the name") from ClientError(missing, "Invoke")


def test_a_function_that_is_not_deployed_names_the_command(
    profiles: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacy_lambda.local.caller.invoke", invoke_nothing)
    done = CliRunner().invoke(make_app(), ["invoke", "--text", "x", "--config", "spacy-lambda.toml"])
    assert isinstance(done.exception, InvokeError)
    assert done.exception.message == "p-ner is not deployed in eu-central-1, or has no live version"
    assert "spacy-lambda deploy --config spacy-lambda.toml" in done.exception.remedy


@pytest.mark.parametrize(
    ("remedy", "expected"),
    [
        ("run `spacy-lambda deploy` first", "run `spacy-lambda deploy --local` first"),
        (
            "see `spacy-lambda status`, and `spacy-lambda deploy` it",
            "see `spacy-lambda status --local`, and `spacy-lambda deploy --local` it",
        ),
        (
            "deploy it: spacy-lambda deploy --config a.toml; wait",
            "deploy it: spacy-lambda deploy --local --config a.toml; wait",
        ),
        ("start one: spacy-lambda deploy --local --serve", "start one: spacy-lambda deploy --local --serve"),
        ("see `spacy-lambda deploy --plan --local`", "see `spacy-lambda deploy --plan --local`"),
        ("spacy-lambda pull s3://a ./b", "spacy-lambda pull s3://a ./b"),
    ],
)
def test_remedies_of_a_rehearsal_stay_in_it(
    remedy: str, expected: str, profiles: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise DeployError("it failed", remedy=remedy)

    assert with_local(remedy) == expected
    monkeypatch.setattr("spacy_lambda.cli.logs.rehearsed", fail)
    failed = CliRunner().invoke(make_app(), ["logs", "--local"]).exception
    assert isinstance(failed, DeployError)
    assert failed.remedy == expected


def test_a_function_that_is_not_in_the_rehearsal_names_its_command(
    profiles: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacy_lambda.local.caller.invoke", invoke_nothing)
    Path(WORK_FOLDER).mkdir()
    with answering(region="eu-central-1") as access, access_file(Path(WORK_FOLDER), access):
        failed = CliRunner().invoke(make_app(), ["invoke", "--text", "x", "--local"]).exception
    assert isinstance(failed, InvokeError)
    assert failed.message == "p-ner is not deployed in the rehearsal, or has no live version"
    assert failed.remedy == "deploy it: spacy-lambda deploy --local; `spacy-lambda status --local` shows its state"
    (line,) = _lines(FunctionStatus("p-ner", None), local=True)
    assert line == "p-ner: not deployed; deploy it with `spacy-lambda deploy --local`"


def test_a_rehearsal_has_no_metrics() -> None:
    found = FunctionStatus("p-ner", "UPDATE_COMPLETE", "1", invocations=None, errors=None)
    assert "  last day: not counted in a rehearsal" in _lines(found)
    assert "  alarms:   not evaluated in a rehearsal" in _lines(found)


@pytest.mark.parametrize(
    "command", ["status", "logs", "invoke --text x", "rollback --yes", "destroy --yes", "deploy --yes"]
)
@pytest.mark.parametrize("served", [True, False])
def test_without_an_account_the_rehearsal_is_named(
    command: str, served: bool, profiles: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one is served, by every command that can use it; else by the one that can make it."""

    def refuse(*arguments: Any, **options: Any) -> None:
        with aws_errors("reading the identity"):
            raise NoCredentialsError

    monkeypatch.setattr("spacy_lambda.deploy.aws.open_account", refuse)
    monkeypatch.setattr("spacy_lambda.local.caller.invoke", refuse)
    monkeypatch.setattr("spacy_lambda.deploy.cdk_cli.find_cdk", lambda **_: None)
    Path(WORK_FOLDER).mkdir()
    with answering(region="eu-central-1") as access, ExitStack() as kept:
        if served:
            kept.enter_context(access_file(Path(WORK_FOLDER), access))
        found = remedy(command.split())
        assert found.startswith(LOGIN)
        names = "is served on this machine" if served else "without an account"
        assert ("or pass --local" in found and names in found) == (served or command.startswith("deploy"))
        Path("spacy-lambda.toml").write_text(PROJECT.replace('region = "eu-central-1"', ""), encoding="utf-8")
        for name in (REGION_VARIABLE, *AWS_REGION_VARIABLES):
            monkeypatch.delenv(name, raising=False)
        assert ("or pass --local" in remedy(command.split())) == (served or command.startswith("deploy"))


def test_a_function_outside_the_project_is_not_in_its_rehearsal(
    profiles: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        with aws_errors("invoking"):
            raise NoCredentialsError

    monkeypatch.setattr("spacy_lambda.local.caller.invoke", refuse)
    Path(WORK_FOLDER).mkdir()
    with answering(region="eu-central-1") as access, access_file(Path(WORK_FOLDER), access):
        for name, suggested in (("ner", True), ("p-ner:live", False)):
            found = remedy(["invoke", name, "--text", "x", "--region", "eu-central-1"])
            assert ("or pass --local" in found) == suggested


def remedy(arguments: list[str]) -> str:
    failed = CliRunner().invoke(make_app(), arguments).exception
    assert isinstance(failed, SpacyLambdaError), failed
    return failed.remedy


FACTS = {"requestId": "1f", "source": "sqs", "model": "3038", "durationMs": 41.24, "Texts": 2, "Characters": 1200}
METRICS = {"durationMs": 42.0, "billedDurationMs": 900, "memorySizeMB": 1769, "maxMemoryUsedMB": 310}


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("START RequestId: 1f Version: 7", []),
        ("END RequestId: 1f", []),
        (
            "REPORT RequestId: 1f\tDuration: 42.04 ms\tBilled Duration: 855 ms\tMemory Size: 1769 MB"
            "\tMax Memory Used: 310 MB\tInit Duration: 812.20 ms",
            ["REPORT 42.0 ms, billed 855 ms, 310 of 1,769 MB, init 812 ms"],
        ),
        (
            json.dumps({"_aws": {"Timestamp": 1}, **FACTS, "Entities": 1}),
            ["sqs: 2 texts, 1,200 characters, 1 entity, 41.2 ms"],
        ),
        (
            json.dumps({**FACTS, "Entities": 0, "initMs": 812.2, "error": "RequestError"}),
            ["sqs: 2 texts, 1,200 characters, 0 entities, 41.2 ms, init 812 ms, error RequestError"],
        ),
        (json.dumps({"type": "platform.start", "record": {"requestId": "1f"}}), []),
        (
            json.dumps(
                {"type": "platform.report", "record": {"requestId": "1f", "metrics": METRICS, "status": "timeout"}}
            ),
            ["REPORT 42.0 ms, billed 42 ms, 310 of 1,769 MB, status timeout"],
        ),
        (json.dumps({"level": "WARNING", "message": "one\ntwo", "logger": "x"}), ["WARNING one", "two"]),
        ('{"type": "platform.fault", "record": "x"}', ['{"type": "platform.fault", "record": "x"}']),
        ("a line\nand another", ["a line", "and another"]),
        ('{"not": JSON', ['{"not": JSON']),
        (json.dumps({**FACTS, "Entities": "many"}), ["sqs: 2 texts, 1,200 characters, 0 entities, 41.2 ms"]),
    ],
)
def test_log_events_are_readable(message: str, lines: list[str]) -> None:
    assert readable(message) == lines


@pytest.mark.parametrize(("terminal", "raw", "printed"), [("1", [], 1), ("1", ["--raw"], 3), ("0", [], 3)])
def test_pipes_get_log_events_as_they_are(
    terminal: str, raw: list[str], printed: int, profiles: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = ["START RequestId: 1f", json.dumps({**FACTS, "Entities": 3}), "END RequestId: 1f"]
    events = [LogEvent(datetime(2026, 11, 26, tzinfo=UTC), "stream", one) for one in messages]
    monkeypatch.setattr("spacy_lambda.deploy.logs.read_log", lambda *_, **__: events)
    monkeypatch.setenv("TTY_COMPATIBLE", terminal)
    lines = CliRunner().invoke(make_app(), ["logs", *raw]).stdout.splitlines()
    assert len(lines) == printed
    if printed == 1:
        assert lines == ["2026-11-26 00:00:00 sqs: 2 texts, 1,200 characters, 3 entities, 41.2 ms"]
    else:
        assert [line.partition(" ")[2].partition(" ")[2] for line in lines] == messages
