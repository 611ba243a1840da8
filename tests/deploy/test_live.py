"""From the project's file to a function that answers, and back, with the real CDK against an AWS of our own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from spacy_lambda.bundler import bundle
from spacy_lambda.config.toml_file import WORK_FOLDER
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.cdk_cli import Cdk, find_cdk
from spacy_lambda.deploy.node import node_environment
from spacy_lambda.errors import SpacyLambdaError
from spacy_lambda.rehearsal.emulator_access import Access, access_file
from tests.bundler.installed import install_once
from tests.bundler.wheels import no_index
from tests.deploy.bundles import built_once
from tests.deploy.cloud import ACCOUNT, REGION, client, cloud
from tests.deploy.projects import PRINTED, run, succeed, write_pipeline

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning"),  # moto, of what it does not know
    pytest.mark.filterwarnings("ignore:Unable to delete:UserWarning"),
]

FUNCTION = "papers-ner"
BUCKET = f"papers-models-{ACCOUNT}-{REGION}"
CONFIG = f"""
[project]
name = "papers"
region = "{REGION}"
account = "{ACCOUNT}"

[project.tags]
team = "nlp"

[functions.ner]
pipeline = "./compiled"
shape = "zip"
alarm_email = "nlp@example.com"
keep_versions = 2
callers = ["arn:aws:iam::210987654321:role/backend"]
golden = "golden.jsonl"
"""
GOLDEN = '{"text": "Iron and silicon."}\n{"texts": ["silicon", ""]}\n'


@pytest.fixture(scope="module", autouse=True)
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in no_index().items():
            patch.setenv(name, value)
        install_once(patch, tmp_path_factory.mktemp("wheels"))
        # Most deployments are of a pipeline that was bundled before; the first one has all that a function needs.
        built = built_once(bundle, tmp_path_factory.mktemp("built"), complete=["1.0.0"])
        patch.setattr("spacy_lambda.deploy.preparation.make_bundle", built)
        patch.setattr("spacy_lambda.bundler.tree.COMPRESSION", 1)
        with cloud(patch) as url:
            yield url


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "spacy-lambda.toml").write_text(CONFIG)
    (folder / "golden.jsonl").write_text(GOLDEN)
    return folder


def live() -> Any:
    return client("lambda").get_alias(FunctionName=FUNCTION, Name="live")["FunctionVersion"]


def ask(text: str) -> Any:
    response = client("lambda").invoke(FunctionName=FUNCTION, Qualifier="live", Payload=json.dumps({"text": text}))
    return [entity["label"] for entity in json.loads(response["Payload"].read())]


def test_the_plan_shows_everything_and_does_nothing(project: Path) -> None:
    write_pipeline(project, "1.0.0", Iron="MATERIAL")
    (plan,) = succeed(project, "deploy", "--plan")
    assert (plan["function"], plan["new"], plan["live_version"], plan["shape"]) == (FUNCTION, True, None, "zip")
    assert "AWS::Lambda::Function" in plan["difference"]
    assert plan["cost_usd"]["idle_month_total"] > 0
    assert plan["golden_texts"] == 2
    assert plan["state"]["log group"] == f"/aws/lambda/{FUNCTION}, kept for 30 days"
    assert plan["changes"] == []
    assert plan["cost_usd"]["measured"]["texts_from"] == "the golden tests in golden.jsonl"
    kinds = {resource["kind"] for resource in plan["resources"]}
    assert {"AWS::Lambda::Alias", "AWS::Lambda::Url", "AWS::CloudWatch::Dashboard", "AWS::Logs::LogGroup"} <= kinds
    assert {"kind": "AWS::Lambda::Alias", "name": f"{FUNCTION}:live"} in plan["resources"]
    assert {"kind": "AWS::S3::Bucket", "name": BUCKET} in plan["shared_resources"]
    assert (plan["callers"]["public"], plan["concurrency"]["reserved"]) == (False, None)
    assert client("cloudformation").list_stacks()["StackSummaries"] == []


def test_one_command_begins_a_project(tmp_path: Path) -> None:
    write_pipeline(tmp_path, "1.0.0", Iron="MATERIAL")
    (plan,) = succeed(tmp_path, "deploy", "--pipeline", "./compiled", "--plan")
    assert plan["function"].startswith("materials-")
    assert 'pipeline = "./compiled"' in (tmp_path / "spacy-lambda.toml").read_text(encoding="utf-8")


def test_nothing_is_done_without_confirmation(project: Path) -> None:
    result = run(project, "deploy")
    assert isinstance(result.exception, SpacyLambdaError)
    assert result.exception.message == "confirmation required but stdin is not a terminal"
    assert result.exception.remedy == "pass --yes"
    plan = run(project, "deploy", "--plan").output
    assert "cdk bootstrap: once per account and region" in plan
    assert "without any call" in plan
    assert "principals with lambda:InvokeFunctionUrl" in plan
    assert "alias:          live: moves to a version that passes 2 golden tests" in plan
    assert "changes:        everything is new" in plan
    assert "AWS::Lambda::Alias " not in plan
    assert client("cloudformation").list_stacks()["StackSummaries"] == []


def test_there_is_nothing_to_roll_back_to_before_the_first(project: Path) -> None:
    result = run(project, "rollback", "--yes")
    assert isinstance(result.exception, SpacyLambdaError)
    assert result.exception.message == f"the stack {FUNCTION} does not exist"


def test_the_first_deployment(project: Path) -> None:
    (released,) = succeed(project, "deploy", "--yes")
    assert released["version"] == live() == "1"
    assert released["previous"] is None
    assert released["url"].startswith("https://")
    assert ask("Iron and silicon.") == ["MATERIAL"]


def test_the_live_version_answers_the_command(project: Path) -> None:
    result = run(project, "invoke", "ner", "--text", "Iron and silicon.", "--json")
    assert [entity["text"] for entity in json.loads(result.stdout)] == ["Iron"]


def test_every_resource_is_there(project: Path) -> None:
    function = client("lambda").get_function(FunctionName=FUNCTION)
    configuration = function["Configuration"]
    assert (configuration["MemorySize"], configuration["Timeout"]) == (2048, 30)
    assert configuration["Architectures"] == ["x86_64"]
    assert configuration["Handler"] == "spacy_lambda.runtime.handler.handler"
    assert configuration["Runtime"] == "python3.13"
    assert configuration["Environment"]["Variables"] == {"SPACY_LAMBDA_METRICS": "papers"}
    url = client("lambda").get_function_url_config(FunctionName=FUNCTION, Qualifier="live")
    assert url["AuthType"] == "AWS_IAM"
    policy = json.loads(client("lambda").get_policy(FunctionName=FUNCTION, Qualifier="live")["Policy"])
    allowed = {(one["Action"], str(one["Principal"])) for one in policy["Statement"]}
    caller = "arn:aws:iam::210987654321:role/backend"
    assert allowed == {("lambda:InvokeFunction", caller), ("lambda:InvokeFunctionUrl", caller)}
    (group,) = client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{FUNCTION}")["logGroups"]
    assert group["retentionInDays"] == 30
    alarms = client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{FUNCTION}-")["MetricAlarms"]
    assert len(alarms) == 5
    assert all(alarm["AlarmActions"] for alarm in alarms)
    topics = {alarm["AlarmActions"][0] for alarm in alarms}
    (topic,) = topics
    (subscription,) = client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "nlp@example.com")
    assert client("sqs").list_queues(QueueNamePrefix=FUNCTION)["QueueUrls"]
    stored = [one["Key"] for one in client("s3").list_objects_v2(Bucket=BUCKET, Prefix="pipelines/")["Contents"]]
    assert any("en_materials" in key for key in stored)


def test_deploying_the_same_changes_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The CDK is not run for the shared stack, whose template is the same."""
    seen, run_cdk = [], Cdk.run

    def recorded(self: Cdk, *arguments: str, **options: Any) -> str:
        seen.append(arguments[:2])
        return run_cdk(self, *arguments, **options)

    monkeypatch.setattr(Cdk, "run", recorded)
    assert "changes:        nothing\n" in run(project, "deploy", "--plan").output
    (released,) = succeed(project, "deploy", "--yes")
    assert (released["version"], released["previous"]) == ("1", "1")
    assert seen == [("deploy", FUNCTION)]


def test_a_rehearsal_that_is_served_takes_the_place_of_aws(project: Path) -> None:
    """The emulator of this module is one that ``deploy --local --serve`` keeps, for commands without credentials."""
    access = Access(
        os.environ["AWS_ENDPOINT_URL"],
        ACCOUNT,
        REGION,
        os.environ["AWS_ACCESS_KEY_ID"],
        os.environ["AWS_SECRET_ACCESS_KEY"],
    )
    with access_file(project / WORK_FOLDER, access), pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        assert isinstance(run(project, "status").exception, SpacyLambdaError)
        assert succeed(project, "status", "--local")[0]["live"] == "1"
        result = run(project, "invoke", "ner", "--text", "Iron and silicon.", "--local", "--json")
        assert [entity["label"] for entity in json.loads(result.stdout)] == ["MATERIAL"]
        rehearsed = run(project, "deploy", "--local")
    assert rehearsed.exit_code == 0, (rehearsed.output, rehearsed.exception)
    assert f"{FUNCTION}: version 1 is live in the rehearsal" in rehearsed.stdout
    assert "This was a rehearsal: nothing was read or changed in AWS." in rehearsed.stdout
    assert f"  - left the stack {FUNCTION} as it is\n" in rehearsed.stdout
    assert rehearsed.stdout.endswith("next: spacy-lambda deploy\n")
    assert live() == "1"


def test_the_ejected_app_is_what_is_deployed(project: Path) -> None:
    from spacy_lambda.deploy.ejection import check_folder

    result = run(project, "eject", "--out", "infrastructure")
    assert result.exit_code == 0, (result.output, result.exception)
    app = project / "infrastructure"
    sources = "".join(path.read_text(encoding="utf-8") for path in app.rglob("*.py"))
    assert not re.search(r"^\s*(from|import) spacy_lambda", sources, re.MULTILINE)
    environ = node_environment()
    subprocess.run([sys.executable, "app.py"], cwd=app, env=environ, check=True)
    output = find_cdk().run("diff", "--app", str(app / "cdk.out"), "--no-change-set", FUNCTION, "papers")
    assert "Number of stacks with differences: 0" in output, output
    again = run(project, "eject", "--out", "infrastructure")
    assert isinstance(again.exception, SpacyLambdaError)
    assert "infrastructure is not empty" in again.exception.message
    check_folder(app, force=True)
    with pytest.raises(SpacyLambdaError, match="is not an app"):
        check_folder(project, force=True)


def test_a_new_pipeline_becomes_a_new_version(project: Path) -> None:
    write_pipeline(project, "1.1.0", Iron="MATERIAL", silicon="ELEMENT")
    (plan,) = succeed(project, "deploy", "--plan")
    assert (plan["new"], plan["live_version"]) == (False, "1")
    assert plan["difference"]
    assert [change["what"] for change in plan["changes"]] == ["model", "code", "dashboard"]
    (released,) = succeed(project, "deploy", "--yes")
    assert (released["version"], released["previous"], live()) == ("2", "1", "2")
    assert ask("Iron and silicon.") == ["MATERIAL", "ELEMENT"]


def spoil_golden_tests(patch: pytest.MonkeyPatch) -> None:
    """Let each version fail its first golden test."""
    asked = AwsAccount.client

    def spoiled(self: AwsAccount, service: str) -> Any:
        found = asked(self, service)
        if service == "lambda":
            found.meta.events.register("before-parameter-build.lambda.Invoke", _spoil)
        return found

    patch.setattr(AwsAccount, "client", spoiled)


def _spoil(params: dict[str, Any], **_: Any) -> None:
    params["Payload"] = b'{"text": "nothing of it"}'


def test_a_version_that_fails_its_golden_tests_never_goes_live(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pipeline(project, "1.2.0", Iron="METAL")
    spoil_golden_tests(monkeypatch)
    result = run(project, "deploy", "--yes")
    assert isinstance(result.exception, SpacyLambdaError)
    assert "failed the golden test in line 1" in result.exception.message
    assert live() == "2"
    monkeypatch.undo()
    (released,) = succeed(project, "deploy", "--yes")
    assert (released["version"], released["previous"], released["pruned"]) == ("3", "2", [1])
    assert ask("Iron and silicon.") == ["METAL"]


def test_status_reports_the_state(project: Path) -> None:
    (status,) = succeed(project, "status")
    assert (status["name"], status["stack"], status["live"]) == (FUNCTION, "UPDATE_COMPLETE", "3")
    assert [version["number"] for version in status["versions"]] == [3, 2]
    assert status["url"].startswith("https://")
    status = run(project, "status").stdout
    assert "papers-ner: version 3 is live; stack: update complete\n" in status
    assert re.findall(r"^  version (\d): .*(en_materials [\d.]+ .*)", status, re.MULTILINE) == [
        ("3", "en_materials 1.2.0 (live)"),
        ("2", "en_materials 1.1.0 (live before)"),
    ]


def test_logs_are_read(project: Path) -> None:
    logs = client("logs")
    logs.create_log_stream(logGroupName=f"/aws/lambda/{FUNCTION}", logStreamName="one")
    events = [{"timestamp": int(time.time() * 1000), "message": '{"Texts": 1}\n'}]
    logs.put_log_events(logGroupName=f"/aws/lambda/{FUNCTION}", logStreamName="one", logEvents=events)
    assert run(project, "logs").stdout.endswith(' {"Texts": 1}\n')
    assert json.loads(run(project, "logs", "--json").stdout)["stream"] == "one"


def test_a_rollback_makes_the_version_before_live(project: Path) -> None:
    done = succeed(project, "rollback", "--yes")
    assert done == {"function": FUNCTION, "version": "2", "previous": "3"}
    assert live() == "2"
    assert ask("Iron and silicon.") == ["MATERIAL", "ELEMENT"]
    result = run(project, "rollback", "--yes")
    assert isinstance(result.exception, SpacyLambdaError)
    assert "no version that was live before it is kept" in result.exception.message
    assert "--version from 3" in result.exception.remedy
    assert succeed(project, "rollback", "--version", "3", "--yes")["version"] == "3"
    assert succeed(project, "rollback", "--yes")["version"] == "2"


def test_deploying_after_rolling_back_goes_live_again(project: Path) -> None:
    (released,) = succeed(project, "deploy", "--yes")
    assert (released["version"], released["previous"], live()) == ("3", "2", "3")


def test_a_version_that_never_went_live_is_neither_kept_nor_rolled_back_to(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pipeline(project, "1.3.0", Iron="ORE")
    spoil_golden_tests(monkeypatch)
    assert isinstance(run(project, "deploy", "--yes").exception, SpacyLambdaError)
    monkeypatch.undo()
    write_pipeline(project, "1.4.0", Iron="ELEMENT")
    (released,) = succeed(project, "deploy", "--yes")
    assert (released["version"], released["previous"], released["pruned"]) == ("5", "3", [4, 2])
    assert succeed(project, "status")[0]["live_before"] == ["3"]
    assert succeed(project, "rollback", "--yes")["version"] == live() == "3"


def test_ctrl_c_leaves_what_is_live_and_the_lock_free(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pipeline(project, "1.0.0", Iron="MATERIAL")
    done = Cdk.run

    def interrupted(self: Cdk, *arguments: str, **options: Any) -> str:
        if arguments[:2] == ("deploy", FUNCTION):
            raise KeyboardInterrupt
        return done(self, *arguments, **options)

    monkeypatch.setattr(Cdk, "run", interrupted)
    result = run(project, "deploy", "--yes")
    assert result.exit_code == 130
    assert "Run the same command to continue." in result.output
    assert live() == "3"
    assert client("s3").list_objects_v2(Bucket=BUCKET, Prefix="locks/")["KeyCount"] == 0


def test_a_second_deployment_at_the_same_time_is_refused(project: Path) -> None:
    body = json.dumps({"by": "ada@laptop", "since": "2999-01-01T00:00:00+00:00"})
    client("s3").put_object(Bucket=BUCKET, Key="locks/ner.json", Body=body)
    result = run(project, "deploy", "--yes")
    assert isinstance(result.exception, SpacyLambdaError)
    assert "ner is being deployed by ada@laptop" in result.exception.message
    result = run(project, "destroy", "--yes")
    assert isinstance(result.exception, SpacyLambdaError)
    assert "ner is being deployed by ada@laptop" in result.exception.message
    client("s3").delete_object(Bucket=BUCKET, Key="locks/ner.json")
    assert live() == "3"


def test_no_secret_is_printed_or_written(project: Path) -> None:
    assert len(PRINTED) > 10
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    assert not any(secret in one for one in PRINTED)
    for path in (project / ".spacy-lambda").rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


def test_destroying_leaves_the_models_by_default(project: Path) -> None:
    report = succeed(project, "destroy", "--yes")
    assert report["left"] == []
    assert "AWS::Lambda::Function" in {one["kind"] for one in report["deleted"]}
    with pytest.raises(client("lambda").exceptions.ResourceNotFoundException):
        client("lambda").get_function(FunctionName=FUNCTION)
    assert client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{FUNCTION}")["logGroups"] == []
    assert client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{FUNCTION}-")["MetricAlarms"] == []
    assert client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] > 0
    assert succeed(project, "status")[0]["stack"] is None


def test_everything_goes_with_models(project: Path) -> None:
    assert succeed(project, "destroy", "--yes", "--delete-models")["left"] == []
    names = [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
    assert BUCKET not in names
    assert succeed(project, "destroy", "--yes", "--delete-models")["deleted"] == []
