"""The emulator: for its own key alone, with what a project expects to exist, and honest about what it cannot do."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.deploy.aws import open_account
from spacy_lambda.deploy.destruction import find_resources_to_delete
from spacy_lambda.errors import DeployError
from spacy_lambda.rehearsal.deployed_code import DeployedCode, VersionResponse
from spacy_lambda.rehearsal.emulator import Emulator, emulated_aws, log_to_emulator
from spacy_lambda.rehearsal.expected_resources import make_expected_resources

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of moto

ACCOUNT = "111122223333"
REGION = "eu-central-1"
INVOKED: list[tuple[DeployedCode, Any]] = []


def run(code: DeployedCode, event: bytes) -> VersionResponse:
    INVOKED.append((code, json.loads(event)))
    log_to_emulator(ACCOUNT, REGION)(code, 1, "one line")
    return VersionResponse(b'{"errorType": "X"}', {"X-Amz-Function-Error": "Unhandled"})


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with emulated_aws(run, region=REGION, account=ACCOUNT, find_url=lambda code: "http://127.0.0.1:1") as running:
        yield running


@pytest.fixture(scope="module")
def function(emulator: Emulator) -> str:
    """A deployed function with a live version, without a deployment."""
    role = boto3.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("bundle.json", "{}")
    client = boto3.client("lambda")
    client.create_function(
        FunctionName="papers-ner",
        Runtime="python3.13",
        Role=role,
        Handler="x.y",
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": {"SPACY_LAMBDA_METRICS": "papers"}},
        MemorySize=1024,
        Timeout=20,
        Publish=True,
    )
    client.create_alias(FunctionName="papers-ner", Name="live", FunctionVersion="1")
    boto3.client("logs").create_log_group(logGroupName="/aws/lambda/papers-ner")
    return "papers-ner"


def config(**changes: Any) -> FunctionConfig:
    return replace(FunctionConfig(name="ner", pipeline="./compiled"), **changes)


def test_the_account_is_the_projects(emulator: Emulator) -> None:
    project = Project(name="papers", region=REGION, account=ACCOUNT, functions=(config(),), folder=Path())
    aws = open_account(project)
    assert (aws.account, aws.is_emulated) == (ACCOUNT, True)


def test_requests_with_another_key_are_refused(emulator: Emulator) -> None:
    url = emulator.access.endpoint
    assert requests.get(f"{url}/2015-03-31/functions", timeout=10).status_code == 403
    assert requests.post(f"{url}/moto-api/reset", timeout=10).status_code == 403
    other = boto3.client("sqs", aws_access_key_id="AKIA" + "A" * 16, aws_secret_access_key="x")
    with pytest.raises(ClientError) as caught:
        other.list_queues()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_the_keys_of_roles_that_were_assumed_are_accepted(emulator: Emulator) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/cdk"
    issued = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="cdk")["Credentials"]
    keys = {"aws_access_key_id": issued["AccessKeyId"], "aws_secret_access_key": issued["SecretAccessKey"]}
    client = boto3.client("sts", aws_session_token=issued["SessionToken"], **keys)
    assert client.get_caller_identity()["Account"] == ACCOUNT


def test_functions_run_their_code(function: str) -> None:
    payload = json.dumps({"text": "Iron."})
    response = boto3.client("lambda").invoke(FunctionName=function, Qualifier="live", Payload=payload)
    assert (response["FunctionError"], response["Payload"].read()) == ("Unhandled", b'{"errorType": "X"}')
    code, event = INVOKED[-1]
    assert event == {"text": "Iron."}
    assert (code.function, code.version, code.image) == (function, "1", None)
    assert (code.memory_mb, code.timeout_s, code.variables) == (1024, 20, {"SPACY_LAMBDA_METRICS": "papers"})
    assert zipfile.ZipFile(io.BytesIO(code.archive)).namelist() == ["bundle.json"]
    (line,) = boto3.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    assert line["message"] == "one line"


def test_function_urls_lead_to_the_live_version(function: str, emulator: Emulator) -> None:
    url = boto3.client("lambda").create_function_url_config(FunctionName=function, AuthType="AWS_IAM")["FunctionUrl"]
    assert url == f"{emulator.access.endpoint}/function-url/{function}/"
    assert requests.get(f"{emulator.access.endpoint}/function-url/other/", timeout=10).status_code == 404
    assert requests.get(url, timeout=10).status_code == 502  # nothing listens there in this test


def test_what_is_not_emulated_is_a_fault_and_not_the_deployments(emulator: Emulator) -> None:
    before = len(emulator.faults)
    with pytest.raises(ClientError):
        boto3.client("ssm").list_associations()
    assert len(emulator.faults) == before + 1


def test_what_a_stack_would_delete_is_what_the_emulator_has_made(function: str, emulator: Emulator) -> None:
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "papers-models"}},
        "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": "papers-models", "PolicyDocument": {}}},
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": function}},
    }
    stack, client = "papers-other", boto3.client("cloudformation")
    client.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": resources}))
    project = Project(name="papers", region=REGION, account=ACCOUNT, functions=(config(),), folder=Path())
    found = [(one.kind, one.about) for one in find_resources_to_delete(open_account(project), [stack])]
    (number,) = (version for kind, version in found if kind == "AWS::Lambda::Version")
    assert re.fullmatch(rf"{stack}: version \d+", number)
    assert sorted(found) == [("AWS::Lambda::Version", number), ("AWS::S3::Bucket", "papers-models")]
    client.delete_stack(StackName=stack)


SOURCES: Any = [
    {"kind": "sqs", "queue": "texts"},
    {"kind": "sqs", "queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:ordered.fifo"},
    {"kind": "s3", "bucket": "incoming", "prefix": "in/"},
    {"kind": "kinesis", "stream": "stream"},
    {"kind": "schedule", "schedule_expression": "rate(5 minutes)"},
]


def test_what_a_project_expects_is_made_once(emulator: Emulator) -> None:
    from spacy_lambda.cdk.source_settings import make_source
    from spacy_lambda.deploy.source_checks import check_sources

    wanted = config(sources=tuple(map(make_source, SOURCES)), environment={"SPACY_LAMBDA_OUTPUT": "s3://answers/ner"})
    made = make_expected_resources(emulator.access, [wanted])
    assert made == make_expected_resources(emulator.access, [wanted])
    assert made == (
        f"sqs:{REGION}:{ACCOUNT}:texts",
        f"sqs:{REGION}:{ACCOUNT}:ordered.fifo",
        "s3:::incoming/in/*",
        f"kinesis:{REGION}:{ACCOUNT}:stream/stream",
        "s3:::answers",
    )
    project = Project(name="papers", region=REGION, functions=(wanted,), folder=Path())
    assert check_sources(open_account(project), wanted) == ()
    longer = replace(wanted, timeout=90)
    make_expected_resources(emulator.access, [longer])
    assert check_sources(open_account(project), longer) == ()
    assert {one["Name"] for one in boto3.client("s3").list_buckets()["Buckets"]} >= {"incoming", "answers"}


def test_a_source_of_another_account_is_refused(emulator: Emulator) -> None:
    from spacy_lambda.cdk.source_settings import make_source

    source = make_source({"kind": "sqs", "queue": f"arn:aws:sqs:{REGION}:999999999999:texts"})
    with pytest.raises(DeployError, match=r"functions\.ner\.sources\[0\] is in 999999999999/eu-central-1"):
        make_expected_resources(emulator.access, [config(sources=(source,))])


def test_the_environment_is_the_emulators(emulator: Emulator) -> None:
    assert os.environ["AWS_ENDPOINT_URL"] == emulator.access.endpoint


def test_the_clients_models_are_without_what_the_emulator_adds() -> None:
    from botocore.loaders import Loader
    from moto.core.loaders import create_loader

    emulated = create_loader().load_service_model("sqs", "service-2")
    assert emulated != Loader().load_service_model("sqs", "service-2")
