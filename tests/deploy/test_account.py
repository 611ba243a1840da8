"""Credentials, bootstrap, stacks, locks, versions: what is asked of AWS, and what is said when it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from spacy_lambda.cdk.aws_names import PROJECT_TAG
from spacy_lambda.cdk.spec import LIVE_BEFORE
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.core.aws_error_kinds import LOGIN
from spacy_lambda.deploy.aws import AwsAccount, open_account
from spacy_lambda.deploy.destruction import destroy
from spacy_lambda.deploy.lock import STALE_AFTER, deployment_lock
from spacy_lambda.deploy.rollbacks import find_rollback
from spacy_lambda.deploy.stacks import BOOTSTRAP_PARAMETER, find_stack, is_bootstrapped, require_own, require_settled
from spacy_lambda.deploy.tuning import plan_tuning
from spacy_lambda.deploy.versions import (
    Version,
    list_versions,
    live_version,
    next_live_before,
    prune_versions,
    recorded_before,
)
from spacy_lambda.errors import DeployError
from spacy_lambda.extras import install_command
from tests.aws_variables import fake_credentials

REGION = "eu-central-1"
BUCKET = "papers-models"


def project(**changes: Any) -> Project:
    functions = (FunctionConfig(name="ner", pipeline="./compiled"),)
    return Project(**{"name": "papers", "region": REGION, "functions": functions, "folder": Path(), **changes})


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsAccount]:
    fake_credentials(monkeypatch)
    with mock_aws():
        yield open_account(project())


def test_the_account_is_that_of_the_credentials(aws: AwsAccount) -> None:
    assert (aws.account, aws.region) == ("123456789012", REGION)
    assert open_account(project(account="123456789012")).account == "123456789012"


def test_another_account_than_the_files_is_refused(aws: AwsAccount) -> None:
    with pytest.raises(DeployError) as caught:
        open_account(project(account="999999999999"))
    assert caught.value.message == ("the credentials are of account 123456789012, not of 999999999999, the project's")
    assert "AWS_PROFILE" in caught.value.remedy


def test_without_credentials_the_remedy_is_to_log_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(DeployError, match="no AWS credentials found") as caught:
        open_account(project())
    assert caught.value.remedy == LOGIN


def test_whether_it_is_bootstrapped(aws: AwsAccount) -> None:
    assert not is_bootstrapped(aws)
    aws.client("ssm").put_parameter(Name=BOOTSTRAP_PARAMETER, Value="5", Type="String")
    assert not is_bootstrapped(aws)
    aws.client("ssm").put_parameter(Name=BOOTSTRAP_PARAMETER, Value="30", Type="String", Overwrite=True)
    assert is_bootstrapped(aws)


def test_a_stack_is_found_with_its_outputs(aws: AwsAccount) -> None:
    assert find_stack(aws, "papers-ner") is None
    assert require_settled(aws, "papers-ner") is None
    template = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}},
        "Outputs": {"Version": {"Value": "3"}},
    }
    aws.client("cloudformation").create_stack(StackName="papers-ner", TemplateBody=json.dumps(template))
    found = require_settled(aws, "papers-ner")
    assert found is not None
    assert (found.status, found.outputs) == ("CREATE_COMPLETE", {"Version": "3"})


def create_queue_stack(aws: AwsAccount, name: str, **tags: str) -> None:
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, "Tags": listed}}
    aws.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Queue": queue}}))


@pytest.mark.parametrize("name", ["papers", "papers-ner"])
@pytest.mark.parametrize("tags", [{}, {PROJECT_TAG: "papers-ner"}])
def test_a_stack_of_someone_else_is_neither_updated_nor_deleted(
    aws: AwsAccount, name: str, tags: dict[str, str]
) -> None:
    function = "ner" if name == "papers-ner" else None
    require_own(aws, "papers", function)  # there is none yet
    create_queue_stack(aws, name, **tags)
    with pytest.raises(DeployError, match=f"the stack {name} exists, and is not of the project 'papers'") as caught:
        require_own(aws, "papers", function)
    assert caught.value.remedy == "choose another name for the project or the function"
    with pytest.raises(DeployError, match="is not of the project"):
        destroy(aws, "papers", ["ner"], delete_models=True)
    assert find_stack(aws, name) is not None
    if function is not None:
        with pytest.raises(DeployError, match="is not of the project"):
            find_rollback("papers", function, aws=aws)
        with pytest.raises(DeployError, match="is not of the project"):
            plan_tuning(project(), project().functions[0], aws=aws)


def test_the_projects_own_stack_is_recognized(aws: AwsAccount) -> None:
    create_queue_stack(aws, "papers", **{PROJECT_TAG: "papers"})
    require_own(aws, "papers")


def test_repositories_of_others_stay(aws: AwsAccount) -> None:
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName="papers/website")
    ecr.create_repository(repositoryName="papers/ner", tags=[{"Key": PROJECT_TAG, "Value": "papers"}])
    destroy(aws, "papers", ["ner"], delete_models=True)
    assert [one["repositoryName"] for one in ecr.describe_repositories()["repositories"]] == ["papers/website"]


class InState:
    """An account whose only stack is in some state."""

    region = REGION

    def __init__(self, status: str) -> None:
        self._status = status

    def client(self, service: str) -> InState:
        return self

    def describe_stacks(self, **arguments: Any) -> Any:
        return {"Stacks": [{"StackStatus": self._status}]}


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("UPDATE_IN_PROGRESS", "wait until it is done"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "wait until it is done"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name papers-ner --region eu-central-1"),
        ("ROLLBACK_FAILED", "spacy-lambda destroy"),
        ("DELETE_FAILED", "spacy-lambda destroy"),
    ],
)
def test_a_stack_that_cannot_be_changed_is_an_error_with_a_remedy(status: str, remedy: str) -> None:
    with pytest.raises(DeployError, match=status) as caught:
        require_settled(InState(status), "papers-ner")  # type: ignore[arg-type]
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("status", ["ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED"])
def test_a_failed_stack_can_be_deleted(status: str) -> None:
    assert require_settled(InState(status), "papers-ner", to_delete=True) is not None  # type: ignore[arg-type]


def test_a_stack_in_progress_cannot_be_deleted() -> None:
    with pytest.raises(DeployError, match="UPDATE_IN_PROGRESS"):
        require_settled(InState("UPDATE_IN_PROGRESS"), "papers-ner", to_delete=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_others_can_be_changed(status: str) -> None:
    assert require_settled(InState(status), "papers-ner") is not None  # type: ignore[arg-type]


@pytest.fixture
def bucket(aws: AwsAccount) -> str:
    aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return BUCKET


def test_only_one_deploys_a_function_at_a_time(aws: AwsAccount, bucket: str) -> None:
    with deployment_lock(aws, bucket, "ner"):
        with deployment_lock(aws, bucket, "other"):
            pass
        with (
            pytest.raises(DeployError, match="ner is being deployed by ") as caught,
            deployment_lock(aws, bucket, "ner"),
        ):
            pass
        assert f"delete s3://{bucket}/locks/ner.json" in caught.value.remedy
    with deployment_lock(aws, bucket, "ner"):
        pass


def test_the_lock_is_given_back_when_the_work_fails(aws: AwsAccount, bucket: str) -> None:
    with pytest.raises(KeyboardInterrupt), deployment_lock(aws, bucket, "ner"):
        raise KeyboardInterrupt
    with deployment_lock(aws, bucket, "ner"):
        pass


def test_a_stale_lock_is_taken_over(aws: AwsAccount, bucket: str) -> None:
    old = datetime.now(UTC) - STALE_AFTER - timedelta(minutes=1)
    body = json.dumps({"by": "a@b", "since": old.isoformat()})
    aws.client("s3").put_object(Bucket=bucket, Key="locks/ner.json", Body=body)
    with deployment_lock(aws, bucket, "ner"):
        pass


def test_the_lock_of_a_killed_process_is_taken_over_at_once(aws: AwsAccount, bucket: str) -> None:
    with deployment_lock(aws, bucket, "ner"):
        held = aws.client("s3").get_object(Bucket=bucket, Key="locks/ner.json")["Body"].read()
    gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
    gone.wait()
    for changes, taken in (({"pid": str(gone.pid)}, True), ({"pid": str(gone.pid), "machine": "another"}, False)):
        body = json.dumps({**json.loads(held), **changes})
        aws.client("s3").put_object(Bucket=bucket, Key="locks/ner.json", Body=body)
        refused = nullcontext() if taken else pytest.raises(DeployError, match="is being deployed by")
        with refused, deployment_lock(aws, bucket, "ner"):
            pass


def test_a_lock_that_was_taken_over_is_not_given_back_by_the_first(aws: AwsAccount, bucket: str) -> None:
    body = json.dumps({"by": "a@b", "since": datetime.now(UTC).isoformat(), "id": "theirs"})
    with deployment_lock(aws, bucket, "ner"):
        aws.client("s3").put_object(Bucket=bucket, Key="locks/ner.json", Body=body)
    with pytest.raises(DeployError, match="a@b"), deployment_lock(aws, bucket, "ner"):
        pass


def test_a_lock_without_a_bucket_is_a_deploy_error(aws: AwsAccount) -> None:
    with pytest.raises(DeployError, match="taking the lock s3://nowhere/"), deployment_lock(aws, "nowhere", "ner"):
        pass


class FakeVersions:
    """A function with published versions."""

    class exceptions:
        class ResourceNotFoundException(ClientError):
            pass

    def __init__(self, numbers: list[int], live: str | None) -> None:
        self.numbers, self._live = numbers, live

    def client(self, service: str) -> FakeVersions:
        return self

    def get_alias(self, **arguments: Any) -> Any:
        if self._live is None:
            raise self.exceptions.ResourceNotFoundException({}, "GetAlias")
        return {"FunctionVersion": self._live}

    def get_paginator(self, name: str) -> FakeVersions:
        return self

    def paginate(self, **arguments: Any) -> Any:
        return [{"Versions": [{"Version": "$LATEST"}]}, {"Versions": [{"Version": str(one)} for one in self.numbers]}]

    def delete_function(self, *, FunctionName: str, Qualifier: str) -> None:
        self.numbers.remove(int(Qualifier))


def test_versions_are_listed_newest_first() -> None:
    fake: Any = FakeVersions([2, 10, 9], "9")
    assert live_version(fake, "f") == "9"
    assert live_version(FakeVersions([], None), "f") is None  # type: ignore[arg-type]
    assert list_versions(fake, "f") == [Version(number, "", "", "") for number in (10, 9, 2)]


@pytest.mark.parametrize(
    ("numbers", "live", "before", "keep", "stay"),
    [
        ([1, 2, 3, 4, 5], "5", (), 3, [3, 4, 5]),
        ([1, 2, 3, 4, 5], "2", (), 3, [2, 4, 5]),
        ([1, 2, 3, 4, 5], "1", (), 2, [1, 5]),
        ([1, 2, 3, 4, 5], "5", ("2",), 2, [2, 5]),
        ([1, 2, 3, 4, 5], "5", ("2", "1"), 4, [1, 2, 4, 5]),
        ([3, 4, 5], "5", ("2",), 2, [4, 5]),
        ([7], "7", (), 2, [7]),
        ([7, 8], "8", (), 3, [7, 8]),
    ],
)
def test_old_versions_go_and_the_live_one_never(
    numbers: list[int], live: str, before: tuple[str, ...], keep: int, stay: list[int]
) -> None:
    """Versions that were live before stay rather than those that have failed their golden tests."""
    fake: Any = FakeVersions(list(numbers), live)
    gone = prune_versions(fake, "f", keep=keep, live=live, before=before)
    assert fake.numbers == stay
    assert sorted([*gone, *stay]) == numbers


@pytest.mark.parametrize(
    ("live", "before", "version", "after"),
    [
        (None, (), "1", ()),
        ("1", (), "2", ("1",)),
        ("7", ("5", "3"), "8", ("7", "5", "3")),
        ("7", ("5", "3"), "5", ("3",)),
        ("7", ("5", "3"), "3", ()),
        ("5", ("3",), "7", ("5", "3")),
    ],
    ids=["first", "second", "release", "rollback", "rollback by two", "return"],
)
def test_a_version_that_was_rolled_back_from_is_forgotten(
    live: str | None, before: tuple[str, ...], version: str, after: tuple[str, ...]
) -> None:
    assert next_live_before(live, before, version) == after


def test_the_record_of_versions_in_a_template() -> None:
    assert recorded_before({}, "f") == ()
    assert recorded_before({"Metadata": {LIVE_BEFORE: '["7", "5"]'}}, "f") == ("7", "5")
    for record in ("7", '["x"]', "[", '{"versions": []}'):
        with pytest.raises(DeployError, match="the versions in the template of f are unknown") as caught:
            recorded_before({"Metadata": {LIVE_BEFORE: record}}, "f")
        assert install_command(option="--upgrade") in caught.value.remedy
