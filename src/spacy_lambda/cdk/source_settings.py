"""Configuration of event sources, complete and checked, from ``[[functions.NAME.sources]]`` of ``spacy-lambda.toml``.

A source is an existing queue, bucket or stream, which the project neither creates nor changes; or a schedule. Names are
those of AWS in snake case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "OBJECT_SUFFIXES",
    "SOURCE_KINDS",
    "KinesisSource",
    "ReadSource",
    "S3Source",
    "ScheduleSource",
    "SourceConfig",
    "SqsSource",
    "make_source",
    "object_pattern",
]

OBJECT_SUFFIXES = (".txt", ".jsonl", ".jsonl.gz")
"""Endings of the keys of objects that a function can process."""


@dataclass(frozen=True, kw_only=True)
class SqsSource:
    """Messages of a queue: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html.

    Failed messages alone are retried (``ReportBatchItemFailures``, which cannot be turned off: without it, failed
    messages would be deleted). Those that fail too often go to the queue of its redrive policy, because Lambda has no
    on-failure destination for SQS.

    :param queue: Existing queue: a name in the project's account, or an ARN.
    :param batch_size: Maximum messages of an invocation; more than 10 need a maximum_batching_window.
    :param maximum_batching_window: Seconds to wait for a full batch; not for FIFO queues.
    :param maximum_concurrency: Maximum concurrent invocations by this queue.
    :param kms_key: ARN of the KMS key of the queue, if it is your own.
    """

    queue: str
    batch_size: int = 10
    maximum_batching_window: int = 0
    maximum_concurrency: int | None = None
    kms_key: str | None = None
    kind: Literal["sqs"] = "sqs"
    """The value of ``kind`` in the project's file."""


@dataclass(frozen=True, kw_only=True)
class S3Source:
    """New objects of a bucket, by EventBridge: https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html.

    The bucket must send its events to EventBridge. An event that cannot be delivered, or whose last retry failed, goes
    to the function's queue of failed events.

    :param bucket: Existing bucket, which sends its events to EventBridge.
    :param prefix: Beginning of the keys.
    :param suffixes: Endings of the keys.
    :param kms_key: ARN of the KMS key of the objects, if it is your own.
    """

    bucket: str
    prefix: str = ""
    suffixes: tuple[str, ...] = OBJECT_SUFFIXES
    kms_key: str | None = None
    kind: Literal["s3"] = "s3"
    """The value of ``kind`` in the project's file."""


@dataclass(frozen=True, kw_only=True)
class KinesisSource:
    """Records of a data stream: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html.

    A batch is retried from its first record that could not be written or was not reached in time, and bisected if the
    invocation fails. After the last attempt, its position in the stream goes to the function's queue of failed events.

    :param stream: Existing stream: a name in the project's account, or an ARN.
    :param starting_position: First record to read: the oldest, or those after the deployment; cannot be changed later.
    :param batch_size: Maximum records of an invocation.
    :param maximum_batching_window: Seconds to wait for a full batch.
    :param parallelization_factor: Concurrent batches of a shard.
    :param maximum_retry_attempts: Retries of a batch.
    :param kms_key: ARN of the KMS key of the stream, if it is your own.
    """

    stream: str
    starting_position: Literal["TRIM_HORIZON", "LATEST"] = "TRIM_HORIZON"
    batch_size: int = 100
    maximum_batching_window: int = 0
    parallelization_factor: int = 1
    maximum_retry_attempts: int = 10
    kms_key: str | None = None
    kind: Literal["kinesis"] = "kinesis"
    """The value of ``kind`` in the project's file."""


@dataclass(frozen=True, kw_only=True)
class ScheduleSource:
    """A schedule of EventBridge Scheduler: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html.

    :param schedule_expression: Rate, cron expression of six fields, or time, such as "rate(4 minutes)".
    :param timezone: Time zone of the expression.
    :param input: A request as JSON; without it, a ping that keeps an execution environment warm.
    """

    schedule_expression: str
    timezone: str = "UTC"
    input: str | None = None
    kind: Literal["schedule"] = "schedule"
    """The value of ``kind`` in the project's file."""


ReadSource = SqsSource | S3Source | KinesisSource
"""Sources with a resource that the function must be allowed to read."""

SourceConfig = ReadSource | ScheduleSource

SOURCE_KINDS: dict[str, type[Any]] = {
    "sqs": SqsSource,
    "s3": S3Source,
    "kinesis": KinesisSource,
    "schedule": ScheduleSource,
}
"""Configurations by the value of ``kind``."""


def make_source(values: Mapping[str, Any]) -> SourceConfig:
    """Make a configuration of the values of its fields, ``kind`` among them; arrays may be lists."""
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    made: SourceConfig = SOURCE_KINDS[values["kind"]](**fields)
    return made


def object_pattern(source: S3Source) -> dict[str, Any]:
    """Return the pattern of EventBridge for the new objects of a source.

    A key is compared by a wildcard, because a prefix and a suffix in one pattern would be alternatives:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
    """
    prefix = source.prefix.replace("\\", "\\\\").replace("*", "\\*")
    keys = [{"wildcard": f"{prefix}*{suffix}"} for suffix in source.suffixes]
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [source.bucket]}, "object": {"key": keys}},
    }
