"""Access: every policy of every template, complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.deploy.resources import read_template
from tests.deploy.specs import ACCOUNT, CALLERS, REGION, Template, function_spec

BUCKET = f"news-models-{ACCOUNT}-{REGION}"
LOGS = {
    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
    "Effect": "Allow",
    "Resource": "${AWS::Logs::LogGroup.Arn}",
}
FAILED = {"Action": "sqs:SendMessage", "Effect": "Allow", "Resource": "${AWS::SQS::Queue.Arn}"}
TRACES = {"Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "Effect": "Allow", "Resource": "*"}
ARTIFACTS = {
    "Action": ["s3:GetObject", "s3:GetObjectVersion"],
    "Effect": "Allow",
    "Resource": f"arn:aws:s3:::{BUCKET}/pipelines/en_news/*",
}
ANSWERS = {
    "Action": ["s3:AbortMultipartUpload", "s3:PutObject"],
    "Effect": "Allow",
    "Resource": "arn:aws:s3:::answers/ner/*",
}
SENDS = {"Action": "sqs:SendMessage", "Effect": "Allow", "Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT}:answers.fifo"}
CHANGE = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
]
DESCRIBE = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
POINT = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/${{AWS::EFS::AccessPoint}}"
EFS: list[dict[str, Any]] = [
    ARTIFACTS,
    ANSWERS,
    {
        "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
        "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": POINT}},
        "Effect": "Allow",
        "Resource": "${AWS::EFS::FileSystem.Arn}",
    },
    {"Action": CHANGE, "Effect": "Allow", "Resource": f"arn:aws:ec2:{REGION}:{ACCOUNT}:*/*"},
    {"Action": DESCRIBE, "Effect": "Allow", "Resource": "*"},
    {
        "Action": [*CHANGE, *DESCRIBE],
        "Condition": {
            "ArnEquals": {"lambda:SourceFunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:news-efs"}
        },
        "Effect": "Deny",
        "Resource": "*",
    },
]


def not_by_tls(action: str, resource: Any, principal: Any) -> dict[str, Any]:
    return {
        "Action": action,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        "Effect": "Deny",
        "Principal": principal,
        "Resource": resource,
    }


@pytest.mark.parametrize(
    ("name", "more"),
    [("first", []), ("plain", []), ("public", [TRACES]), ("image", []), ("quiet", [SENDS]), ("efs", EFS)],
)
def test_the_function_may_do_what_it_needs(templates: dict[str, Template], name: str, more: list[Any]) -> None:
    template = templates[name]
    policy = template.one("AWS::IAM::Policy")
    assert policy["PolicyDocument"]["Statement"] == [LOGS, FAILED, *more]
    assert policy["Roles"] == ["${AWS::IAM::Role}"]
    role = next(
        one for one in template.all("AWS::IAM::Role") if one.get("Description") == f"Permissions of news-{name}"
    )
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    ]
    assert "ManagedPolicyArns" not in role
    assert "Policies" not in role


def test_the_function_waits_for_its_policy(template: Template) -> None:
    (function,) = [one for one in template.resources.values() if one["Type"] == "AWS::Lambda::Function"]
    (policy,) = [name for name, one in template.resources.items() if one["Type"] == "AWS::IAM::Policy"]
    assert policy in function["DependsOn"]


def test_a_url_requires_iam_by_default(templates: dict[str, Template]) -> None:
    for name in ("plain", "image", "quiet", "efs"):
        url = templates[name].one("AWS::Lambda::Url")
        assert (url["AuthType"], url["Qualifier"]) == ("AWS_IAM", "live")
        assert "Cors" not in url
        assert templates[name].all("AWS::Lambda::Permission") == []


def test_a_public_url_has_both_permissions_and_no_more(templates: dict[str, Template]) -> None:
    template = templates["public"]
    url = template.one("AWS::Lambda::Url")
    assert (url["AuthType"], url["Qualifier"]) == ("NONE", "live")
    assert url["Cors"] == {
        "AllowHeaders": [
            "authorization",
            "content-type",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-amz-security-token",
        ],
        "AllowMethods": ["GET", "POST"],
        "AllowOrigins": ["https://example.org"],
        "MaxAge": 3600,
    }
    everybody = {"FunctionName": "${AWS::Lambda::Alias}", "Principal": "*"}
    assert template.all("AWS::Lambda::Permission") == [
        {**everybody, "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
        {**everybody, "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
    ]


def test_each_caller_has_both_permissions_on_the_alias(templates: dict[str, Template]) -> None:
    """Those of the URL are for signed requests alone; everything else stays with IAM."""
    template = templates["called"]
    assert template.one("AWS::Lambda::Url")["AuthType"] == "AWS_IAM"
    assert template.all("AWS::Lambda::Permission") == [
        permission
        for caller in CALLERS
        for permission in (
            {"Action": "lambda:InvokeFunction", "FunctionName": "${AWS::Lambda::Alias}", "Principal": caller},
            {
                "Action": "lambda:InvokeFunctionUrl",
                "FunctionName": "${AWS::Lambda::Alias}",
                "FunctionUrlAuthType": "AWS_IAM",
                "Principal": caller,
            },
        )
    ]


def test_a_caller_keeps_its_permissions_when_others_change(zipped: Path, tmp_path: Path) -> None:
    def permissions(name: str, callers: tuple[str, ...]) -> set[str]:
        spec = function_spec(zipped, "ner", live_version="7", callers=callers)
        assembly = synthesize([spec], None, tmp_path / name)
        resources = read_template(assembly, "news-ner")["Resources"]
        return {key for key, one in resources.items() if one["Type"] == "AWS::Lambda::Permission"}

    from spacy_lambda.cdk.app import synthesize

    both, last = permissions("both", (CALLERS[0], CALLERS[1], CALLERS[0])), permissions("last", CALLERS[1:2])
    assert (len(both), len(last)) == (4, 2)
    assert last < both


def test_the_constructs_make_no_public_function_with_callers(zipped: Path) -> None:
    from aws_cdk import App

    from spacy_lambda.deploy import NerFunction

    with pytest.raises(ValueError, match="'ner' is public, and has callers"):
        NerFunction(App(), "Bad", function_spec(zipped, "ner", auth="none", concurrency=5, callers=CALLERS))


def test_failed_events_are_encrypted_on_disk_and_on_the_way(template: Template) -> None:
    queue = template.one("AWS::SQS::Queue")
    assert (queue["SqsManagedSseEnabled"], queue["MessageRetentionPeriod"]) == (True, 14 * 24 * 3600)
    assert template.one("AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"] == [
        not_by_tls("sqs:*", "${AWS::SQS::Queue.Arn}", {"AWS": "*"})
    ]


def test_only_alarms_of_the_function_write_to_its_topic(templates: dict[str, Template]) -> None:
    tls, alarms = templates["public"].one("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    assert {key: value for key, value in tls.items() if key != "Sid"} == not_by_tls(
        "sns:Publish", "${AWS::SNS::Topic}", "*"
    )
    assert {key: value for key, value in alarms.items() if key != "Sid"} == {
        "Action": "sns:Publish",
        "Condition": {
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:news-public-*"},
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
        },
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Resource": "${AWS::SNS::Topic}",
    }


def test_the_bucket_is_private_and_stays(templates: dict[str, Template]) -> None:
    template = templates["shared"]
    bucket = template.one("AWS::S3::Bucket")
    assert bucket["BucketName"] == BUCKET
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert bucket["LifecycleConfiguration"]["Rules"] == [
        {
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            "Id": "unfinished-uploads",
            "Status": "Enabled",
        },
        {
            "ExpiredObjectDeleteMarker": True,
            "Id": "replaced-objects",
            "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
            "Status": "Enabled",
        },
    ]
    objects = ["${AWS::S3::Bucket.Arn}", "${AWS::S3::Bucket.Arn}/*"]
    assert template.one("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"] == [
        not_by_tls("s3:*", objects, {"AWS": "*"})
    ]


def test_images_are_pulled_by_one_function_and_stay(templates: dict[str, Template]) -> None:
    template = templates["shared"]
    repositories = template.all("AWS::ECR::Repository")
    assert {one["RepositoryName"] for one in repositories} == {"news/image", "news/efs"}
    for one in repositories:
        assert one["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert one["ImageTagMutability"] == "IMMUTABLE"
        assert '"countNumber":30' in one["LifecyclePolicy"]["LifecyclePolicyText"]
        function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{one['RepositoryName'].replace('/', '-')}"
        assert one["RepositoryPolicyText"]["Statement"] == [
            {
                "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                "Condition": {"StringLike": {"aws:sourceArn": [function, f"{function}:*"]}},
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
            }
        ]


def test_stored_data_outlives_its_stack(templates: dict[str, Template]) -> None:
    kept = [one for one in templates["shared"].resources.values() if one["Type"] != "AWS::S3::BucketPolicy"]
    assert {(one["DeletionPolicy"], one["UpdateReplacePolicy"]) for one in kept} == {("Retain", "Retain")}
    assert len(kept) == 3
