"""Lookup of event sources before a deployment: what is missing, or would lose events, is found before anything changes.

A lookup that AWS denies is skipped, because the permission to deploy need not include it; and so is everything in other
accounts. Templates do not depend on what is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_never

from botocore.exceptions import ClientError

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.cdk.aws_names import source_resource
from spacy_lambda.cdk.source_settings import KinesisSource, ReadSource, S3Source, ScheduleSource, SqsSource
from spacy_lambda.config.project import FunctionConfig
from spacy_lambda.core.aws_error_kinds import classify, error_code
from spacy_lambda.core.lambda_limits import VISIBILITY_TIMEOUT_FACTOR
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.errors import DeployError

__all__ = ["check_sources"]

MISSING = {"AWS.SimpleQueueService.NonExistentQueue", "NoSuchBucket", "QueueDoesNotExist", "ResourceNotFoundException"}


def check_sources(aws: AwsAccount, config: FunctionConfig) -> tuple[str, ...]:
    """Look up the queues, buckets and streams of a function.

    :returns: Warnings.
    :raises DeployError: If one does not exist, or Lambda would refuse to connect it.
    """
    warnings: list[str] = []
    for number, source in enumerate(config.sources):
        if isinstance(source, ScheduleSource):
            continue
        key = f"functions.{config.name}.sources[{number}]"
        with aws_errors(f"looking up the event source {key}"):
            try:
                warnings += _source_warnings(aws, config, source, key)
            except ClientError as exc:
                if error_code(exc) in MISSING:
                    raise DeployError(
                        f"{key}: {_what(source)} does not exist", remedy="create it first, or correct its name"
                    ) from exc
                if classify(exc) != "denied":
                    raise
    return tuple(warnings)


def _source_warnings(aws: AwsAccount, config: FunctionConfig, source: ReadSource, key: str) -> Iterator[str]:
    resource = source_resource(source, account=aws.account, region=aws.region).split(":")
    if isinstance(source, S3Source):
        yield from _bucket_warnings(aws, source)
    elif resource[2:3] != [aws.account]:
        return
    elif isinstance(source, SqsSource):
        yield from _queue_warnings(aws, config, source, resource[-1], key)
    elif isinstance(source, KinesisSource):
        aws.client("kinesis").describe_stream_summary(StreamName=resource[-1].removeprefix("stream/"))
    else:
        assert_never(source)


def _queue_warnings(aws: AwsAccount, config: FunctionConfig, source: SqsSource, name: str, key: str) -> Iterator[str]:
    client = aws.client("sqs")
    url = client.get_queue_url(QueueName=name)["QueueUrl"]
    names = ["VisibilityTimeout", "RedrivePolicy"]
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=names).get("Attributes", {})
    seconds = int(attributes["VisibilityTimeout"])
    enough = VISIBILITY_TIMEOUT_FACTOR * config.timeout + source.maximum_batching_window
    region = f"--region {aws.region}"
    command = f"aws sqs set-queue-attributes {region} --queue-url {url} --attributes VisibilityTimeout={enough}"
    if seconds < config.timeout:
        raise DeployError(
            f"{key}: the visibility timeout of the queue {name} is {seconds} s, less than the function's timeout of"
            f" {config.timeout} s: Lambda does not connect it",
            remedy=command,
        )
    if seconds < enough:
        yield (
            f"the visibility timeout of the queue {name} is {seconds} s; {enough} s are recommended, because messages"
            f" of throttled invocations are redelivered too early: {command}"
        )
    if "RedrivePolicy" not in attributes:
        yield f"the queue {name} has no redrive policy: messages that always fail are retried until they expire"


def _bucket_warnings(aws: AwsAccount, source: S3Source) -> Iterator[str]:
    found: dict[str, Any] = aws.client("s3").get_bucket_notification_configuration(Bucket=source.bucket)
    if "EventBridgeConfiguration" not in found:
        yield (
            f"the bucket {source.bucket} does not send its events to EventBridge, so new objects invoke nothing:"
            " turn on EventBridge in the bucket's properties"
        )


def _what(source: ReadSource) -> str:
    if isinstance(source, S3Source):
        return f"the bucket {source.bucket}"
    if isinstance(source, SqsSource):
        return f"the queue {source.queue}"
    if isinstance(source, KinesisSource):
        return f"the stream {source.stream}"
    assert_never(source)
