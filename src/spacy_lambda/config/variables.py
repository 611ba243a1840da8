"""What Lambda and the function take as environment variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from spacy_lambda.config.aws_names import output_resource
from spacy_lambda.config.faults import Complaint, Fault, dotted, nearest, shown
from spacy_lambda.core.env_names import (
    CACHE_LIMIT_VARIABLE,
    CACHE_VARIABLE,
    COMPARE_VARIABLE,
    CORS_VARIABLE,
    MAX_TEXT_VARIABLE,
    MAX_TEXTS_VARIABLE,
    MAX_TOTAL_VARIABLE,
    METRICS_VARIABLE,
    OUTPUT_VARIABLE,
    PAGE_VARIABLE,
    PIPELINE_VARIABLE,
    PREFIX,
    RESERVED_BY_LAMBDA,
)
from spacy_lambda.core.lambda_limits import ENVIRONMENT_BYTES

__all__ = ["OF_THE_RUNTIME", "SETTING_OF", "environment_faults"]

NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
"""Lambda's own pattern: https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html"""

SETTING_OF = {
    CACHE_VARIABLE: 'shape = "image-efs" has the cache on EFS; without it, it is in /tmp',
    CORS_VARIABLE: "write cors: two sets of headers are an error in every browser",
    METRICS_VARIABLE: "write metrics: their namespace is the project's name",
    PAGE_VARIABLE: "write page",
    PIPELINE_VARIABLE: "write pipeline",
}
"""Variables that a deployment sets, and which key says so."""

OF_THE_RUNTIME = (
    CACHE_LIMIT_VARIABLE,
    COMPARE_VARIABLE,
    MAX_TEXT_VARIABLE,
    MAX_TEXTS_VARIABLE,
    MAX_TOTAL_VARIABLE,
    OUTPUT_VARIABLE,
)
"""Variables that nothing else sets."""

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
    if size > ENVIRONMENT_BYTES - LEFT_FOR_OURS:
        yield Fault(
            where,
            f"has {size:,} bytes of names and values; Lambda takes {ENVIRONMENT_BYTES:,}, of which"
            f" {LEFT_FOR_OURS} are for our own",
            "keep what is large in S3 or in the pipeline",
        )


def _name(name: str) -> Complaint | None:
    if name in RESERVED_BY_LAMBDA:
        return "is set by Lambda itself", "choose another name"
    if name in SETTING_OF:
        return "is set by the deployment", SETTING_OF[name]
    if name.startswith(PREFIX) and name not in OF_THE_RUNTIME:
        return "is no variable of the function", nearest(name, OF_THE_RUNTIME, "variables")
    if not NAME.fullmatch(name):
        return (
            "is no name of a variable for Lambda",
            "begin with a letter; then one or more letters, digits and underscores",
        )
    return None
