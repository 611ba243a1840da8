"""The AWS account: reported without secrets, and never the reason for a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import botocore.credentials
import pytest
from moto import mock_aws

from spacy_lambda.core.aws_error_kinds import LOGIN
from spacy_lambda.deploy.stacks import BOOTSTRAP_PARAMETER
from spacy_lambda.deploy.tuning_record import TuningRecord
from spacy_lambda.doctor.account import check_account
from spacy_lambda.doctor.finding import Finding
from spacy_lambda.extras import install_command

SECRET = "secret-of-the-test"
REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


@pytest.fixture
def account(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "credentials").write_text(
        f"[work]\naws_access_key_id = test\naws_secret_access_key = {SECRET}\n", encoding="utf-8"
    )
    with mock_aws():
        yield


def check(folder: Path, profile: str | None = None, region: str | None = None) -> dict[str, Finding]:
    found = check_account(folder, profile=profile, region=region)
    assert found[0].name == "AWS credentials"
    assert SECRET not in repr(found)
    return {one.name: one for one in found}


@pytest.mark.usefixtures("account")
def test_a_new_account(tmp_path: Path) -> None:
    found = check(tmp_path, "work", REGION)
    credentials = found["AWS credentials"]
    assert credentials.remedy is None
    assert credentials.detail.startswith("account 123456789012, arn:aws:sts::123456789012:")
    assert "profile work" in credentials.detail
    assert found["AWS region"].detail == REGION
    assert found["CDK bootstrap"].detail == "not yet: the first deployment runs `cdk bootstrap`, after asking"
    boto3.client("ssm", REGION, aws_access_key_id="test", aws_secret_access_key="test").put_parameter(
        Name=BOOTSTRAP_PARAMETER, Value="30", Type="String"
    )
    assert check(tmp_path, "work", REGION)["CDK bootstrap"].detail == "done"


@pytest.mark.usefixtures("account")
def test_an_interrupted_tuning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spacy-lambda.toml").write_text('[project]\nname = "papers"\n\n[functions.ner]\npipeline = "./p"\n')
    assert "memory" not in check(tmp_path, "work", REGION)
    left = {"papers-ner": TuningRecord("arn", memory_mb=2048, now_mb=1024, least_mb=1024, most_mb=1025)}
    monkeypatch.setattr("spacy_lambda.deploy.tuning_record.find_tuning", lambda client, name: left.get(name))
    found = check(tmp_path, "work", REGION)["memory"]
    assert found.detail == "papers-ner: tune was interrupted; $LATEST has 1,024 MB instead of 2,048 MB"
    assert found.remedy == "run `spacy-lambda tune` or `deploy`, which restore it first"


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(("limit", "remedy"), [(1000, False), (10, True)])
def test_quotas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, remedy: bool) -> None:
    settings = {"AccountLimit": {"ConcurrentExecutions": limit}}
    original = botocore.client.BaseClient._make_api_call

    def call(client: Any, operation: str, arguments: Any) -> Any:
        return settings if operation == "GetAccountSettings" else original(client, operation, arguments)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", call)
    quotas = check(tmp_path, "work", REGION)["Lambda quotas"]
    assert quotas.detail.startswith(f"{limit:,} concurrent executions")
    assert ("--quota-code L-B99A9384 --desired-value 1000 --region eu-central-1" in (quotas.remedy or "")) == remedy
    assert ("at most 3,008 MB" in quotas.detail) == remedy
    assert quotas.status("deploy") == ("warning" if remedy else "ok")


@pytest.mark.usefixtures("account")
def test_the_region_is_that_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(tmp_path, "work")["AWS region"].status("deploy") == "failed"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    assert check(tmp_path, "work")["AWS region"].detail == "us-east-2"
    (tmp_path / "spacy-lambda.toml").write_text('[project]\nregion = "eu-west-1"\n', encoding="utf-8")
    assert check(tmp_path, "work")["AWS region"].detail == "eu-west-1"
    (tmp_path / "spacy-lambda.toml").write_text("project = [", encoding="utf-8")
    assert check(tmp_path, "work")["AWS region"].detail == "us-east-2"


@pytest.mark.parametrize("profile", [None, "nobodys"])
def test_without_an_account_only_deploy_fails(tmp_path: Path, profile: str | None) -> None:
    found = check(tmp_path, profile)
    credentials = found["AWS credentials"]
    assert (credentials.status("deploy"), credentials.status(None)) == ("failed", "warning")
    assert credentials.remedy == LOGIN
    assert found["Lambda quotas"].status("deploy") == "skipped"


@pytest.mark.usefixtures("account")
def test_profiles_that_exist_are_named(tmp_path: Path) -> None:
    credentials = check(tmp_path, "nobodys")["AWS credentials"]
    assert "no profile 'nobodys'" in credentials.detail
    assert credentials.remedy == f"choose a profile from work, or {LOGIN}"


@pytest.mark.slow
def test_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, SECRET)
    found = check(tmp_path, None, REGION)["AWS credentials"]
    assert "127.0.0.1:1" in found.detail
    assert "check the network" in (found.remedy or "")


def test_without_boto3_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> Any:
        raise ModuleNotFoundError("No module named 'boto3'", name="boto3")

    monkeypatch.setattr("spacy_lambda.doctor.account._session", missing)
    found = check(tmp_path)["AWS credentials"]
    assert found.remedy == install_command("deploy")


@pytest.mark.usefixtures("account")
def test_temporary_credentials_show_their_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end = datetime.now(UTC) + timedelta(minutes=42, seconds=30)
    credentials = botocore.credentials.RefreshableCredentials("test", SECRET, "token", end, dict, "sso")
    monkeypatch.setattr("boto3.Session.get_credentials", lambda self: credentials)
    assert ", valid for 42 minutes" in check(tmp_path, "work", REGION)["AWS credentials"].detail
