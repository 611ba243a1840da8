"""Resources that a project expects to exist, made in an emulator: queues, buckets and streams of its event sources."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, assert_never
from urllib.parse import urlsplit

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.cdk.aws_names import source_resource
from spacy_lambda.cdk.source_settings import KinesisSource, S3Source, ScheduleSource, SqsSource
from spacy_lambda.config.project import FunctionConfig
from spacy_lambda.core.env_names import OUTPUT_VARIABLE
from spacy_lambda.core.lambda_limits import VISIBILITY_TIMEOUT_FACTOR
from spacy_lambda.core.output_location import S3Prefix, parse_output
from spacy_lambda.errors import DeployError
from spacy_lambda.rehearsal.emulator_access import Access

__all__ = ["make_expected_resources"]


def make_expected_resources(access: Access, functions: Sequence[FunctionConfig]) -> tuple[str, ...]:
    """Make what functions read from and write to.

    :returns: The resources, as their ARNs name them after the partition.
    :raises DeployError: If one is in another account or region: one of each is emulated.
    """
    return tuple(dict.fromkeys(name for function in functions for name in _make_all(access, function)))


def _make_all(access: Access, function: FunctionConfig) -> Iterator[str]:
    for number, source in enumerate(function.sources):
        if isinstance(source, ScheduleSource):
            continue
        resource = source_resource(source, account=access.account, region=access.region)
        region, account, name = resource.split(":", 3)[1:]
        if (region or access.region, account or access.account) != (access.region, access.account):
            raise DeployError(
                f"functions.{function.name}.sources[{number}] is in {account}/{region}, and a rehearsal emulates"
                f" {access.account}/{access.region} alone",
                remedy="name a queue or stream of the project's account and region, or leave the source out",
            )
        with aws_errors(f"making {resource}"):
            if isinstance(source, SqsSource):
                seconds = VISIBILITY_TIMEOUT_FACTOR * function.timeout + source.maximum_batching_window
                _make_queue(name, seconds)
            elif isinstance(source, KinesisSource):
                _make_stream(name.removeprefix("stream/"))
            elif isinstance(source, S3Source):
                _make_bucket(source.bucket, access.region)
            else:
                assert_never(source)
        yield resource
    yield from _make_output(access, function)


def _make_output(access: Access, function: FunctionConfig) -> Iterator[str]:
    value = function.environment.get(OUTPUT_VARIABLE)
    output = None if value is None else parse_output(value)
    if isinstance(output, S3Prefix):
        with aws_errors(f"making the bucket {output.bucket}"):
            _make_bucket(output.bucket, access.region)
        yield f"s3:::{output.bucket}"
    elif output is not None:
        name = urlsplit(output.url).path.rpartition("/")[2]
        with aws_errors(f"making the queue {name}"):
            _make_queue(name, function.timeout)
        yield f"sqs:{access.region}:{access.account}:{name}"


def _make_queue(name: str, visibility_seconds: int) -> None:
    """Make a queue with a dead-letter queue, or give an existing one the visibility timeout of another deployment."""
    client = _client("sqs")
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    wanted = {"VisibilityTimeout": str(visibility_seconds)}
    try:
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
    except client.exceptions.QueueDoesNotExist:
        failed = client.create_queue(QueueName=f"dead-letter-{name}", Attributes=fifo)["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=failed, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})}
        client.create_queue(QueueName=name, Attributes=wanted | policy | fifo)
    else:
        client.set_queue_attributes(QueueUrl=url, Attributes=wanted)


def _make_stream(name: str) -> None:
    client = _client("kinesis")
    with suppress(client.exceptions.ResourceInUseException):
        client.create_stream(StreamName=name, ShardCount=1)


def _make_bucket(name: str, region: str) -> None:
    client = _client("s3")
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    with suppress(client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
        client.create_bucket(Bucket=name, **place)
    client.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


def _client(service: str) -> Any:
    import boto3

    return boto3.client(service)
