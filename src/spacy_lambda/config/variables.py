"""What Lambda and the function take as environment variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from spacy_lambda.config.aws_names import OUTPUT_VARIABLE, output_resource
from spacy_lambda.config.faults import Complaint, Fault, dotted, nearest, shown

__all__ = ["OF_THE_RUNTIME", "SETTING_OF", "environment_faults"]

NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
"""Lambda's own pattern: https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html"""

RESERVED = {
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
}
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html; other names with AWS_ may be set."""

OURS = "SPACY_LAMBDA_"
SETTING_OF = {
    "SPACY_LAMBDA_CACHE": 'shape = "image-efs" has the cache on EFS; without it, it is in /tmp',
    "SPACY_LAMBDA_CORS": "write cors: two sets of headers are an error in every browser",
    "SPACY_LAMBDA_METRICS": "write metrics: their namespace is the project's name",
    "SPACY_LAMBDA_PAGE": "write page",
    "SPACY_LAMBDA_PIPELINE": "write pipeline",
}
"""Variables that a deployment sets, and which key says so."""

OF_THE_RUNTIME = (
    "SPACY_LAMBDA_CACHE_LIMIT",
    "SPACY_LAMBDA_COMPARE",
    "SPACY_LAMBDA_MAX_TEXT",
    "SPACY_LAMBDA_MAX_TEXTS",
    "SPACY_LAMBDA_MAX_TOTAL",
    OUTPUT_VARIABLE,
)
"""Variables that nothing else sets."""

LIMIT = 4096
"""Bytes of all names and values together: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

LEFT_FOR_OURS = 512
"""What a deployment adds: the longest is the pipeline's location in S3, with its digest."""


def environment_faults(where: str, variables: Mapping[str, Any]) -> Iterator[Fault]:
    """Everything that is wrong with a function's environment.

    :param where: The table.
    """
    for name in variables:
        complaint = _name(name)
        if complaint is not None:
            yield Fault(f"{where}.{dotted(name)}", *complaint)
    output = variables.get(OUTPUT_VARIABLE)
    if isinstance(output, str) and output_resource(output) is None:
        yield Fault(
            f"{where}.{OUTPUT_VARIABLE}",
            f"is {shown(output)}, where no answers can go",
            "write s3://bucket/prefix, or the URL of a queue: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME",
        )
    size = sum(len(f"{name}{value}".encode()) for name, value in variables.items() if isinstance(value, str))
    if size > LIMIT - LEFT_FOR_OURS:
        yield Fault(
            where,
            f"has {size:,} bytes of names and values; Lambda takes {LIMIT:,}, of which {LEFT_FOR_OURS} are for our own",
            "keep what is large in S3 or in the pipeline",
        )


def _name(name: str) -> Complaint | None:
    if name in RESERVED:
        return "is set by Lambda itself", "choose another name"
    if name in SETTING_OF:
        return "is set by the deployment", SETTING_OF[name]
    if name.startswith(OURS) and name not in OF_THE_RUNTIME:
        return "is no variable of the function", nearest(name, OF_THE_RUNTIME, "variables")
    if not NAME.fullmatch(name):
        return (
            "is no name of a variable for Lambda",
            "begin with a letter; then one or more letters, digits and underscores",
        )
    return None
