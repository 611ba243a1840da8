"""Commands that ask for confirmation first look at what is there, and name it in the question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.config.toml_file import WORK_FOLDER
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.versions import Version
from spacy_lambda.errors import SpacyLambdaError
from spacy_lambda.rehearsal.emulator_access import access_file
from tests.aws_variables import without_aws_variables
from tests.cli.in_process import run_command
from tests.rehearsal.listeners import answering

PROJECT = '[project]\nname = "p"\nregion = "eu-central-1"\n[functions.ner]\npipeline = "./ok"\n'


def error(*arguments: str) -> str:
    found = run_command(*arguments)
    assert isinstance(found, SpacyLambdaError)
    return f"{found.message}; {found.remedy}"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the questions; the current folder has a project with version 2 live, and each question is declined."""
    questions: list[str] = []
    monkeypatch.chdir(tmp_path)
    Path("spacy-lambda.toml").write_text(PROJECT, encoding="utf-8")

    def decline(question: str, *, yes: bool) -> bool:
        questions.append(question)
        return yes

    for command in ("rollback", "destroy", "rm"):
        monkeypatch.setattr(f"spacy_lambda.cli.{command}.confirm", decline)
    monkeypatch.setattr("spacy_lambda.cli.destroy.require_terminal", lambda *, yes: None)
    monkeypatch.setattr(
        "spacy_lambda.deploy.aws.open_account", lambda project: AwsAccount("1" * 12, "eu-central-1", None)
    )
    monkeypatch.setattr("spacy_lambda.deploy.rollbacks.find_stack", lambda *names: {})
    monkeypatch.setattr("spacy_lambda.deploy.rollbacks.require_own", lambda *names: None)
    monkeypatch.setattr("spacy_lambda.deploy.rollbacks.live_version", lambda *names: "2")
    monkeypatch.setattr("spacy_lambda.deploy.rollbacks.live_before", lambda *names: ("1",))
    publish(monkeypatch, [3, 2, 1])
    return questions


def publish(monkeypatch: pytest.MonkeyPatch, numbers: Sequence[int]) -> None:
    versions = [Version(number, "", "", "") for number in numbers]
    monkeypatch.setattr("spacy_lambda.deploy.rollbacks.list_versions", lambda *names: versions)


@pytest.mark.parametrize("command", ["rollback", "destroy", "deploy"])
def test_a_missing_project_is_reported_before_a_missing_terminal(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "spacy-lambda.toml" in error(command)
    Path("spacy-lambda.toml").write_text(PROJECT, encoding="utf-8")
    assert "unknown function 'other'" in error(command, "other")


@pytest.mark.parametrize("command", ["rollback", "destroy", "deploy"])
def test_missing_credentials_are_reported_before_a_missing_terminal(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spacy-lambda.toml").write_text(PROJECT, encoding="utf-8")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    assert error(command).startswith("looking up the AWS account: no AWS credentials found; log in")


def test_tune_names_the_rehearsal_that_it_does_not_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_aws_variables(monkeypatch)
    monkeypatch.chdir(tmp_path)
    Path("spacy-lambda.toml").write_text(PROJECT, encoding="utf-8")
    Path(WORK_FOLDER).mkdir()
    assert "rehearsal" not in error("tune", "--yes")
    with answering(region="eu-central-1") as access, access_file(tmp_path / WORK_FOLDER, access):
        assert error("tune", "--yes").endswith("is not used: tune measures Lambda's own CPUs")


def test_a_missing_terminal_is_reported_before_anything_is_done(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr("spacy_lambda.deploy.cdk_cli.find_cdk", lambda **_: begun.append("cdk"))
    assert "pass --yes" in error("deploy")
    assert begun == []


def test_a_missing_version_is_reported_before_a_missing_terminal(tmp_path: Path) -> None:
    assert "pass --yes" not in error("rm", f"{tmp_path}/en_metals@1.0.0")


def test_the_question_of_a_rollback_names_both_versions(asked: list[str]) -> None:
    run_command("rollback")
    run_command("rollback", "--version", "3")
    assert asked == [
        "roll back p-ner from version 2, which is live, to version 1?",
        "roll back p-ner from version 2, which is live, to version 3?",
    ]


def test_a_rollback_that_is_impossible_is_not_asked_about(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "version 2 of p-ner is live already" in error("rollback", "--version", "2")
    assert "no version '9'" in error("rollback", "--version", "9")
    publish(monkeypatch, [2])
    assert "no version that was live before it is kept" in error("rollback")
    assert asked == []


def test_nothing_is_asked_where_there_is_nothing_to_delete(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    destroyed: list[Any] = []
    monkeypatch.setattr("spacy_lambda.deploy.destruction.find_resources_to_delete", lambda *stacks: [])
    monkeypatch.setattr("spacy_lambda.deploy.destruction.destroy", lambda *names, **options: destroyed.append(names))
    assert "nothing to delete: nothing is left of ner" in str(run_command("destroy"))
    assert asked == []
    run_command("destroy", "--delete-models")
    assert asked == ["delete 0 resources in 111111111111/eu-central-1?"]
    assert len(destroyed) == 1
