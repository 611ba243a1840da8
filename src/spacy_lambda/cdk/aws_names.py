"""Names of resources in AWS."""

from __future__ import annotations

import re
from typing import assert_never

from ..core.output_location import S3Prefix, parse_output
from .bulk_settings import BulkConfig
from .literal_text import pattern_problem
from .source_settings import KinesisSource, ReadSource, S3Source, SqsSource

__all__ = [
    "BULK_PREFIX",
    "FUNCTION_TAG",
    "ITEMS",
    "OWN_TAG_PREFIX",
    "PIPELINE_TAG",
    "PROJECT_TAG",
    "bucket_name",
    "bulk_prefix",
    "output_resource",
    "pipeline_objects",
    "repository_name",
    "source_resource",
    "stack_name",
    "state_machine_name",
]

OWN_TAG_PREFIX = "spacy-lambda:"
PROJECT_TAG = f"{OWN_TAG_PREFIX}project"
FUNCTION_TAG = f"{OWN_TAG_PREFIX}function"
PIPELINE_TAG = f"{OWN_TAG_PREFIX}model"
"""Digest of the pipeline's artifact."""

BULK_PREFIX = "annotate"
"""Prefix of shards and results in the project's bucket."""

ITEMS = "items"
"""Folder of the lists of shards in each run's folder."""

_PIPELINE = re.compile(r"s3://(?P<path>[^@#]+)(?:@[^@#]+)?(?:#sha256=[0-9a-f]{64})?")


def stack_name(project: str, function: str | None = None) -> str:
    """Return the name of a function's stack; without a function, of the stack that all of them share."""
    return f"{project}-{function}" if function else project


def bucket_name(project: str, *, account: str, region: str) -> str:
    """Return the name of the artifact bucket. Bucket names are global, so it contains the account and the region."""
    return f"{project}-models-{account}-{region}"


def repository_name(project: str, function: str) -> str:
    """Return the name of the ECR repository of a function's images."""
    return f"{project}/{function}"


def pipeline_objects(location: str) -> str | None:
    """Return the objects of a pipeline in S3, of all its versions: ``bucket/key/*``, or one artifact's file.

    :param location: ``s3://bucket/key``, with or without ``@REF`` and ``#sha256=DIGEST``.
    :returns: ``None`` if it is not in S3.
    """
    found = _PIPELINE.fullmatch(location)
    if found is None:
        return None
    path = found["path"].rstrip("/")
    return path if path.endswith(".tar") else f"{path}/*"


def output_resource(output: str) -> str | None:
    """Return the resource that a function must be allowed to write to: its ARN after the partition.

    :param output: ``s3://bucket/prefix``, or the URL of an SQS queue.
    :returns: ``s3:::bucket/prefix/*`` or ``sqs:region:account:name``; ``None`` for anything else.
    """
    place = parse_output(output)
    if isinstance(place, S3Prefix) and pattern_problem(output.removeprefix("s3://")) is not None:
        return None
    return None if place is None else place.resource


def source_resource(source: ReadSource, *, account: str, region: str) -> str:
    """Return the resource that a function must be allowed to read: its ARN after the partition.

    :returns: ``sqs:region:account:queue``, ``kinesis:region:account:stream/name`` or ``s3:::bucket/prefix*``.
    """
    if isinstance(source, SqsSource):
        return _resource(source.queue) or f"sqs:{region}:{account}:{source.queue}"
    if isinstance(source, KinesisSource):
        return _resource(source.stream) or f"kinesis:{region}:{account}:stream/{source.stream}"
    if isinstance(source, S3Source):
        return f"s3:::{source.bucket}/{source.prefix}*"
    assert_never(source)


def _resource(name: str) -> str | None:
    """Return an ARN after its partition; ``None`` for a plain name."""
    return name.split(":", 2)[2] if name.startswith("arn:") else None


def state_machine_name(function: str) -> str:
    """Return the name of the state machine that annotates corpora with a function.

    :param function: The function's name in AWS.
    """
    return f"{function}-annotate"


def bulk_prefix(bulk: BulkConfig, *, project: str, function: str, account: str, region: str) -> S3Prefix:
    """Return the place of a function's shards and results: the configured one, or one in the project's bucket.

    :param function: The function's name in the project.
    """
    place = None if bulk.location is None else parse_output(bulk.location)
    if isinstance(place, S3Prefix):
        return place
    return S3Prefix(bucket_name(project, account=account, region=region), f"{BULK_PREFIX}/{function}")
