"""What things are called in AWS."""

from __future__ import annotations

from spacy_lambda.config.literal_text import pattern_complaint
from spacy_lambda.core.output_location import S3Prefix, parse_output

__all__ = [
    "FUNCTION_TAG",
    "OWN_TAG_PREFIX",
    "PIPELINE_TAG",
    "PROJECT_TAG",
    "bucket_name",
    "output_resource",
    "repository_name",
    "stack_name",
]

OWN_TAG_PREFIX = "spacy-lambda:"
PROJECT_TAG = f"{OWN_TAG_PREFIX}project"
FUNCTION_TAG = f"{OWN_TAG_PREFIX}function"
PIPELINE_TAG = f"{OWN_TAG_PREFIX}model"
"""Digest of the pipeline's artifact."""


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
    place = parse_output(output)
    if isinstance(place, S3Prefix) and pattern_complaint(output.removeprefix("s3://")) is not None:
        return None
    return None if place is None else place.resource
