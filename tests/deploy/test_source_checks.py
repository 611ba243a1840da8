"""Queues, buckets and streams are looked up before anything changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from spacy_lambda.cdk.source_settings import KinesisSource, S3Source, ScheduleSource, SourceConfig, SqsSource
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.deploy.aws import AwsAccount, open_account
from spacy_lambda.deploy.source_checks import check_sources
from spacy_lambda.errors import DeployError
from tests.aws_variables import fake_credentials

REGION = "eu-central-1"
ARN = f"arn:aws:sqs:{REGION}:123456789012:texts"
PLACE = {"LocationConstraint": REGION}
REDRIVE = '{"deadLetterTargetArn": "arn:aws:sqs:eu-central-1:123456789012:dead", "maxReceiveCount": "5"}'


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsAccount]:
    fake_credentials(monkeypatch)
    with mock_aws():
        functions = (function(),)
        yield open_account(Project(name="papers", region=REGION, functions=functions, folder=Path()))


def function(*sources: SourceConfig, timeout: int = 30) -> FunctionConfig:
    return FunctionConfig(name="ner", pipeline="./compiled", timeout=timeout, sources=sources)


def make_queue(aws: AwsAccount, **attributes: str) -> None:
    aws.client("sqs").create_queue(QueueName="dead")
    aws.client("sqs").create_queue(QueueName="texts", Attributes=attributes)


def test_sources_that_are_ready(aws: AwsAccount) -> None:
    make_queue(aws, VisibilityTimeout="185", RedrivePolicy=REDRIVE)
    aws.client("kinesis").create_stream(StreamName="clicks", ShardCount=1)
    sources: list[SourceConfig] = [
        SqsSource(queue="texts", maximum_batching_window=5),
        KinesisSource(stream="clicks"),
        ScheduleSource(schedule_expression="rate(1 day)"),
        SqsSource(queue="arn:aws:sqs:eu-central-1:999999999999:elsewhere"),
    ]
    assert check_sources(aws, function(*sources)) == ()


class Notifying:
    """S3's API of a bucket that sends its events to EventBridge, which moto's does not return."""

    def client(self, service: str, **_: Any) -> Notifying:
        assert service == "s3"
        return self

    def get_bucket_notification_configuration(self, Bucket: str) -> Any:
        return {"EventBridgeConfiguration": {}}


def test_a_bucket_that_is_ready() -> None:
    aws = AwsAccount("123456789012", REGION, Notifying())
    assert check_sources(aws, function(S3Source(bucket="papers"))) == ()


def test_warnings(aws: AwsAccount) -> None:
    make_queue(aws, VisibilityTimeout="60")
    aws.client("s3").create_bucket(Bucket="papers", CreateBucketConfiguration=PLACE)
    early, dead, bucket = check_sources(aws, function(SqsSource(queue="texts"), S3Source(bucket="papers")))
    assert early.startswith("the visibility timeout of the queue texts is 60 s; 180 s are recommended")
    assert early.endswith("/texts --attributes VisibilityTimeout=180")
    assert dead == "the queue texts has no redrive policy: messages that always fail are retried until they expire"
    assert bucket.startswith("the bucket papers does not send its events to EventBridge")


def test_a_visibility_timeout_that_lambda_refuses(aws: AwsAccount) -> None:
    make_queue(aws, VisibilityTimeout="29")
    with pytest.raises(DeployError) as caught:
        check_sources(aws, function(SqsSource(queue="texts")))
    assert caught.value.message == (
        "functions.ner.sources[0]: the visibility timeout of the queue texts is 29 s, less than the function's timeout"
        " of 30 s: Lambda does not connect it"
    )
    assert caught.value.remedy.endswith("--attributes VisibilityTimeout=180")


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (SqsSource(queue="texts"), "the queue texts"),
        (SqsSource(queue=ARN), f"the queue {ARN}"),
        (S3Source(bucket="papers"), "the bucket papers"),
        (KinesisSource(stream="clicks"), "the stream clicks"),
    ],
)
def test_a_source_that_does_not_exist(aws: AwsAccount, source: SourceConfig, what: str) -> None:
    with pytest.raises(DeployError) as caught:
        check_sources(aws, function(ScheduleSource(schedule_expression="rate(1 day)"), source))
    assert caught.value.message == f"functions.ner.sources[1]: {what} does not exist"
    assert caught.value.remedy == "create it first, or correct its name"


class Refusing:
    """An account that answers everything with an error."""

    def __init__(self, code: str) -> None:
        self._code = code

    def client(self, service: str, **_: Any) -> Refusing:
        return self

    def __getattr__(self, name: str) -> Any:
        def refuse(**_: Any) -> Any:
            raise ClientError({"Error": {"Code": self._code, "Message": "no"}}, name)

        return refuse


def refused(code: str, source: SourceConfig) -> tuple[str, ...]:
    return check_sources(AwsAccount("123456789012", REGION, Refusing(code)), function(source))


@pytest.mark.parametrize("source", [SqsSource(queue="a"), S3Source(bucket="papers"), KinesisSource(stream="a")])
@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "403"])
def test_a_lookup_that_is_denied_is_skipped(source: SourceConfig, code: str) -> None:
    assert refused(code, source) == ()


def test_any_other_error_is_reported() -> None:
    with pytest.raises(DeployError, match=r"looking up the event source functions.ner.sources\[0\]"):
        refused("ServiceUnavailable", SqsSource(queue="a"))
