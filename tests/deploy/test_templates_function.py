"""The function: its code, its settings, its version, its alias, its network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.core import lambda_function
from spacy_lambda.deploy.resources import read_template
from tests.deploy.specs import ACCOUNT, IMAGE, PIPELINE, QUEUE, REGION, SHA256, Template, function_spec

TAGGED = {
    "AWS::Budgets::Budget": "ResourceTags",
    "AWS::EFS::AccessPoint": "AccessPointTags",
    "AWS::EFS::FileSystem": "FileSystemTags",
}
UNTAGGED = {
    "AWS::CloudWatch::Dashboard",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EFS::MountTarget",
    "AWS::IAM::Policy",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Lambda::Version",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}


def _function(template: Template) -> dict[str, Any]:
    function = template.one("AWS::Lambda::Function")
    return {key: value for key, value in function.items() if key != "Tags"}


def test_a_zip(templates: dict[str, Template]) -> None:
    function = _function(templates["public"])
    assert function.pop("Code")["S3Bucket"] == f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
    assert function == {
        "Architectures": ["arm64"],
        "Description": f"spaCy pipeline {SHA256[:12]}",
        "Environment": {
            "Variables": {
                "SPACY_LAMBDA_EXAMPLES": '["Iron.\\n", "\\u00e9"]',
                "SPACY_LAMBDA_METRICS": "news",
                "SPACY_LAMBDA_PAGE": "on",
            }
        },
        "FunctionName": "news-public",
        "Handler": "spacy_lambda.runtime.handler.handler",
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "${AWS::Logs::LogGroup}"},
        "MemorySize": 3008,
        "ReservedConcurrentExecutions": 5,
        "Role": "${AWS::IAM::Role.Arn}",
        "Runtime": "python3.12",
        "Timeout": 20,
        "TracingConfig": {"Mode": "Active"},
    }


def test_an_image_with_snapstart(templates: dict[str, Template]) -> None:
    function = _function(templates["image"])
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.${{AWS::URLSuffix}}/news/image@{IMAGE}"
    assert (function["Code"], function["PackageType"]) == ({"ImageUri": image}, "Image")
    assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert not {"Handler", "Runtime"} & set(function)


def test_snapshots_are_only_for_those_who_ask(templates: dict[str, Template]) -> None:
    with_them = {name for name, one in templates.items() if '"SnapStart"' in str(one.content).replace("'", '"')}
    assert with_them == {"image"}


def test_metrics_are_only_for_those_who_ask(templates: dict[str, Template]) -> None:
    assert "SPACY_LAMBDA_METRICS" not in _function(templates["quiet"])["Environment"]["Variables"]
    assert _function(templates["plain"])["Environment"]["Variables"] == {"SPACY_LAMBDA_METRICS": "news"}


def test_logs_end_with_the_stack_and_before(template: Template, templates: dict[str, Template]) -> None:
    (group,) = [one for one in template.resources.values() if one["Type"] == "AWS::Logs::LogGroup"]
    name = _function(template)["FunctionName"]
    assert group["Properties"]["LogGroupName"] == f"/aws/lambda/{name}"
    assert group["Properties"]["RetentionInDays"] == (14 if template is templates["public"] else 30)
    assert group["DeletionPolicy"] == "Delete"


def test_only_versions_are_retained(template: Template) -> None:
    """And none of an update that failed, whose code could not be published again."""
    retained = {
        (one["Type"], one["DeletionPolicy"], one["UpdateReplacePolicy"])
        for one in template.resources.values()
        if one.get("DeletionPolicy", "Delete") != "Delete"
    }
    assert retained == {("AWS::Lambda::Version", "RetainExceptOnCreate", "Retain")}


def test_a_first_template_has_only_the_version(templates: dict[str, Template]) -> None:
    template = templates["first"]
    assert set(template.content["Outputs"]) == {"Version"}
    kinds = {one["Type"] for one in template.resources.values()}
    assert not kinds & {"AWS::Lambda::Alias", "AWS::Lambda::Url", "AWS::CloudWatch::Alarm", "AWS::Lambda::Permission"}


def test_the_alias_names_a_version_by_number(templates: dict[str, Template]) -> None:
    template = templates["plain"]
    alias = template.one("AWS::Lambda::Alias")
    assert (alias["Name"], alias["FunctionVersion"]) == ("live", "7")
    outputs = template.plain(template.content["Outputs"])
    assert outputs["Version"]["Value"] == "${AWS::Lambda::Version.Version}"
    assert outputs["Url"]["Value"] == "${AWS::Lambda::Url.FunctionUrl}"


def test_the_versions_that_were_live_are_recorded(templates: dict[str, Template], zipped: Path, tmp_path: Path) -> None:
    from spacy_lambda.cdk.app import synthesize

    spec = function_spec(zipped, "plain", live_version="7", live_before=("5", "4"))
    template = read_template(synthesize([spec], None, tmp_path / "out"), "news-plain")
    assert template == {**templates["plain"].content, "Metadata": {"spacy-lambda:live-before": '["5", "4"]'}}


def test_going_live_does_not_publish_again(templates: dict[str, Template], zipped: Path, tmp_path: Path) -> None:
    """The second update of a release differs from the first in the alias and what hangs on it, not in the version."""
    first, second = (_versions(tmp_path, function_spec(zipped, "plain", live_version=live)) for live in (None, "8"))
    assert first == second == [name for name, one in templates["plain"].resources.items() if "Version" in one["Type"]]


@pytest.mark.parametrize(
    ("changes", "is_new"),
    [({"memory": 4096}, True), ({"sha256": "ab" * 32}, True), ({"tags": {}}, False), ({"concurrency": 3}, False)],
)
def test_changes_that_publish_a_version(
    templates: dict[str, Template], zipped: Path, tmp_path: Path, changes: dict[str, Any], is_new: bool
) -> None:
    versions = _versions(tmp_path, function_spec(zipped, "plain", **changes))
    before = [name for name, one in templates["plain"].resources.items() if one["Type"] == "AWS::Lambda::Version"]
    assert (versions != before) == is_new


def _versions(out: Path, spec: Any) -> list[str]:
    import json

    from spacy_lambda.cdk.app import synthesize

    synthesize([spec], None, out / "out")
    resources = json.loads((out / "out" / f"news-{spec.name}.template.json").read_text())["Resources"]
    return [name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Version"]


def test_failed_events_are_kept_whichever_way_they_came(templates: dict[str, Template]) -> None:
    latest, alias = templates["plain"].all("AWS::Lambda::EventInvokeConfig")
    for one in (latest, alias):
        assert one["DestinationConfig"] == {"OnFailure": {"Destination": "${AWS::SQS::Queue.Arn}"}}
    assert latest["Qualifier"] == "$LATEST"
    assert alias["Qualifier"]["Fn::Select"][1]["Fn::Split"] == [":", "${AWS::Lambda::Alias}"]


def test_the_cache_is_mounted(templates: dict[str, Template]) -> None:
    function = _function(templates["efs"])
    (mounted,) = function["FileSystemConfigs"]
    assert mounted["LocalMountPath"] == "/mnt/models"
    assert mounted["Arn"].endswith(":access-point/${AWS::EFS::AccessPoint}")
    assert function["Environment"]["Variables"] == {
        "SPACY_LAMBDA_CACHE": "/mnt/models",
        "SPACY_LAMBDA_METRICS": "news",
        "SPACY_LAMBDA_OUTPUT": "s3://answers/ner/",
        "SPACY_LAMBDA_PIPELINE": PIPELINE,
    }
    assert function["VpcConfig"] == {
        "SecurityGroupIds": ["${AWS::EC2::SecurityGroup.GroupId}"],
        "SubnetIds": ["${AWS::EC2::Subnet}", "${AWS::EC2::Subnet}"],
    }


def test_the_cache_is_encrypted_and_goes_with_the_stack(templates: dict[str, Template]) -> None:
    template = templates["efs"]
    files = template.one("AWS::EFS::FileSystem")
    assert (files["Encrypted"], files["ThroughputMode"]) == (True, "elastic")
    assert "BackupPolicy" not in files
    assert files["FileSystemPolicy"]["Statement"] == [
        {
            "Action": "elasticfilesystem:Client*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
        }
    ]
    point = template.one("AWS::EFS::AccessPoint")
    assert point["PosixUser"] == {"Uid": "1000", "Gid": "1000"}
    assert point["RootDirectory"] == {
        "CreationInfo": {"OwnerUid": "1000", "OwnerGid": "1000", "Permissions": "750"},
        "Path": "/models",
    }


def test_the_network_leads_to_the_pipeline_and_nowhere_else(templates: dict[str, Template]) -> None:
    template = templates["efs"]
    for kind in ("AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::EIP", "AWS::EC2::Route"):
        assert template.all(kind) == []
    assert len(template.all("AWS::EC2::Subnet")) == 2
    endpoint = template.one("AWS::EC2::VPCEndpoint")
    assert (endpoint["ServiceName"], endpoint["VpcEndpointType"]) == ("com.amazonaws.${AWS::Region}.s3", "Gateway")
    assert endpoint["PolicyDocument"]["Statement"] == [
        {
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Resource": f"arn:aws:s3:::news-models-{ACCOUNT}-{REGION}/pipelines/en_news/*",
        },
        {
            "Action": ["s3:AbortMultipartUpload", "s3:PutObject"],
            "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Resource": "arn:aws:s3:::answers/ner/*",
        },
    ]


def test_only_nfs_goes_between_the_function_and_its_cache(templates: dict[str, Template]) -> None:
    template = templates["efs"]
    ends = [
        (one["FromPort"], one["ToPort"], one["IpProtocol"]) for one in template.all("AWS::EC2::SecurityGroupIngress")
    ]
    assert ends == [(2049, 2049, "tcp")]
    ends = [
        (one["FromPort"], one["ToPort"], one["IpProtocol"]) for one in template.all("AWS::EC2::SecurityGroupEgress")
    ]
    assert ends == [(2049, 2049, "tcp")]
    function, cache = template.all("AWS::EC2::SecurityGroup")
    assert [one["ToPort"] for one in function["SecurityGroupEgress"]] == [443]
    # A rule that matches nothing: without any rule, CloudFormation would allow everything.
    assert [one["CidrIp"] for one in cache["SecurityGroupEgress"]] == ["255.255.255.255/32"]
    assert not any("SecurityGroupIngress" in group for group in (function, cache))


def test_no_other_shape_has_a_network(templates: dict[str, Template]) -> None:
    for name in ("first", "plain", "public", "image", "quiet"):
        assert not [one for one in templates[name].resources.values() if one["Type"].startswith("AWS::EC2")]


def test_every_taggable_resource_has_the_projects_tags(template: Template) -> None:
    name = _function(template)["FunctionName"].removeprefix("news-")
    for one in template.resources.values():
        if one["Type"] in UNTAGGED:
            continue
        tags = one["Properties"][TAGGED.get(one["Type"], "Tags")]
        found = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
        assert found["spacy-lambda:project"] == "news", one["Type"]
        assert found["spacy-lambda:function"] == name
        assert found["spacy-lambda:model"] == SHA256
        assert found["team"] == "search"


def test_shared_resources_are_tagged_with_the_project(templates: dict[str, Template]) -> None:
    for kind in ("AWS::S3::Bucket", "AWS::ECR::Repository"):
        for one in templates["shared"].all(kind):
            assert {"Key": "spacy-lambda:project", "Value": "news"} in one["Tags"]
            assert not [tag for tag in one["Tags"] if tag["Key"] == "spacy-lambda:function"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"efs": True, "snapstart": True, "pipeline": PIPELINE},
            "has SnapStart and EFS, which Lambda does not",
        ),
        ({"efs": True}, "pipeline of 'wrong' is None: a function with EFS can only reach S3"),
        ({"efs": True, "pipeline": "hf://owner/name"}, "can only reach S3"),
        (
            {"efs": True, "pipeline": PIPELINE, "environment": {"SPACY_LAMBDA_OUTPUT": QUEUE}},
            "https://sqs.*: a function with EFS can only reach S3",
        ),
        ({"environment": {"SPACY_LAMBDA_OUTPUT": "s3://answers/*"}}, "write s3://bucket/prefix or the URL"),
        ({"budget": 10}, "requires alarm_email"),
    ],
)
def test_impossible_specs_are_refused(zipped: Path, changes: dict[str, Any], message: str) -> None:
    from aws_cdk import App

    from spacy_lambda.cdk.spec import ImageCode, ZipCode
    from spacy_lambda.deploy import FunctionStack

    code = ImageCode(IMAGE, efs=True) if changes.pop("efs", False) else ZipCode(zipped)
    with pytest.raises(ValueError, match=message):
        FunctionStack(App(), "stack", function_spec(zipped, "wrong", code=code, **changes))


def test_a_queue_to_read_from(zipped: Path) -> None:
    from aws_cdk import App, aws_sqs
    from aws_cdk.assertions import Template as Assertions

    from spacy_lambda.cdk.spec import ALIAS
    from spacy_lambda.deploy import FunctionStack

    stack = FunctionStack(App(), "stack", function_spec(zipped, "reader", live_version="7"))
    texts = aws_sqs.Queue.from_queue_arn(stack, "Texts", f"arn:aws:sqs:{REGION}:{ACCOUNT}:texts")
    reading = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    stack.ner.role.allow(reading, [texts.queue_arn])
    assert stack.live is not None
    stack.live.alias.add_event_source_mapping(
        "Texts", event_source_arn=texts.queue_arn, report_batch_item_failures=True
    )
    template = Template(dict(Assertions.from_stack(stack).to_json()))
    (mapping,) = [
        one["Properties"] for one in template.resources.values() if one["Type"] == "AWS::Lambda::EventSourceMapping"
    ]
    assert mapping["EventSourceArn"] == texts.queue_arn
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["FunctionName"]["Fn::Join"][1][-1] == f":{ALIAS}"
    statements = template.one("AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    assert {"Action": reading, "Effect": "Allow", "Resource": texts.queue_arn} in statements


def test_a_function_in_an_app_of_ones_own(zipped: Path) -> None:
    from aws_cdk import App, Stack
    from aws_cdk.assertions import Template as Assertions

    from spacy_lambda.cdk.spec import ImageCode
    from spacy_lambda.deploy import NerFunction

    stack = Stack(App(), "mine")
    ner = NerFunction(stack, "Ner", function_spec(zipped, "own", code=ImageCode(IMAGE, efs=True), pipeline=PIPELINE))
    assert ner.function.architecture.name == "x86_64"
    Assertions.from_stack(stack).resource_count_is("AWS::Lambda::Function", 1)


def test_every_python_and_architecture_has_a_runtime() -> None:
    from spacy_lambda.cdk.ner_function import ARCHITECTURES, RUNTIMES

    assert ([*RUNTIMES], [*ARCHITECTURES]) == ([*lambda_function.PYTHONS], [*lambda_function.ARCHITECTURES])
    assert all(runtime.name == f"python{python}" for python, runtime in RUNTIMES.items())
    assert all(one.name == architecture for architecture, one in ARCHITECTURES.items())
