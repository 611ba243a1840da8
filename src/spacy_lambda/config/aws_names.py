"""What things are called in AWS."""

from __future__ import annotations

import re

from spacy_lambda.config.literal_text import pattern_complaint

__all__ = ["OUTPUT_VARIABLE", "bucket_name", "output_resource", "repository_name", "stack_name"]

OUTPUT_VARIABLE = "SPACY_LAMBDA_OUTPUT"
"""Where a function writes answers that nobody waits for."""

_PREFIX = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?")
_QUEUE = re.compile(
    r"https://sqs\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"
    r"/(?P<account>[0-9]{12})/(?P<name>[A-Za-z0-9_-]{1,80}(?:\.fifo)?)"
)


def stack_name(project: str, function: str | None = None) -> str:
    """The stack of a function; without one, the stack of what all of them share."""
    return f"{project}-{function}" if function else project


def bucket_name(project: str, *, account: str, region: str) -> str:
    """The artifact bucket. Names of buckets are one for the whole world, so it has the account and the region in it."""
    return f"{project}-models-{account}-{region}"


def repository_name(project: str, function: str) -> str:
    """The ECR repository of a function's images."""
    return f"{project}/{function}"


def output_resource(output: str) -> str | None:
    """What a function must be allowed to write to, as its ARN has it behind the partition.

    :param output: ``s3://bucket/prefix``, or the URL of an SQS queue.
    :return: ``s3:::bucket/prefix/*`` or ``sqs:region:account:name``; ``None`` if it is neither.
    """
    place = _PREFIX.fullmatch(output)
    if place is not None and pattern_complaint(output.removeprefix("s3://")) is None:
        prefix = (place["prefix"] or "").strip("/")
        return f"s3:::{place['bucket']}/{prefix}/*" if prefix else f"s3:::{place['bucket']}/*"
    queue = _QUEUE.fullmatch(output)
    return f"sqs:{queue['region']}:{queue['account']}:{queue['name']}" if queue else None
