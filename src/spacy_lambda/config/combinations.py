"""Rules across several values of ``spacy-lambda.toml``: composed names, sizes, and keys that exclude each other.

The values may still be of any type: a wrong type is a separate fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from spacy_lambda.cdk.aws_names import bucket_name, output_resource, stack_name
from spacy_lambda.config.bulk_rules import bulk_faults
from spacy_lambda.config.faults import Fault, describe, toml_key, typed_value
from spacy_lambda.config.source_combinations import source_faults
from spacy_lambda.core.env_names import EXAMPLES_VARIABLE, OUTPUT_VARIABLE
from spacy_lambda.core.lambda_limits import ENVIRONMENT_BYTES, NAME_CHARACTERS
from spacy_lambda.core.output_location import OUTPUT_FORMS

__all__ = ["combination_faults"]

MAX_BUCKET = 63
MAX_CALLERS = 20
"""Each has two statements in the policy of the alias, which has at most 20 KB:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

MAX_ORIGINS = 100
MAX_TAGS = 47
"""AWS allows 50; three are spacy-lambda's own."""

MAX_ENVIRONMENT_BYTES = ENVIRONMENT_BYTES - 512
"""The rest is for the deployment's own variables; the longest is the pipeline's location in S3 with its digest."""


def combination_faults(values: Mapping[str, Any]) -> Iterator[Fault]:
    """Return the faults between the values of a file."""
    project, functions = values["project"], typed_value(values, "functions", dict)
    name, region = typed_value(project, "name", str), typed_value(project, "region", str)
    room = MAX_BUCKET - len(bucket_name("", account=12 * "0", region=region))
    if region and len(name) > room:
        problem = (
            f"is {describe(name)}, {len(name)} characters; its bucket in {describe(region)} leaves room for {room}"
        )
        yield Fault("project.name", problem, "shorten it")
    yield from _too_many("project.tags", "tags", len(typed_value(project, "tags", dict)), MAX_TAGS, "write fewer")
    yield from _same_tags(typed_value(project, "tags", dict))
    if values["functions"] == {}:
        yield Fault("functions", "has no function", "write a table [functions.ner] with its pipeline")
    for function, keys in functions.items():
        key, stack = toml_key("functions", function), stack_name(name, function)
        if len(stack) > NAME_CHARACTERS:
            problem = f"makes a function with a name of {len(stack)} characters, {describe(stack)}"
            remedy = "shorten the function's name or the project's"
            yield Fault(key, f"{problem}; the maximum is {NAME_CHARACTERS}", remedy)
        yield from _function(key, keys if isinstance(keys, dict) else {})
        yield from source_faults(key, keys if isinstance(keys, dict) else {}, project)
        yield from bulk_faults(key, keys if isinstance(keys, dict) else {})


def _same_tags(tags: Mapping[str, Any]) -> Iterator[Fault]:
    """Return the faults of tags that differ in their case only, which IAM refuses:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    """
    seen: dict[str, str] = {}
    for name in tags:
        first = seen.setdefault(name.lower(), name)
        if first != name:
            problem = f"differs from {describe(first)} in its case only; IAM takes them for the same tag"
            yield Fault(toml_key("project", "tags", name), problem, "write one of them only")


def _function(key: str, function: Mapping[str, Any]) -> Iterator[Fault]:
    environment = typed_value(function, "environment", dict)
    if function.get("shape") == "image-efs":
        yield from _with_efs(key, function, environment)
    yield from _environment(f"{key}.environment", environment)
    yield from _examples(f"{key}.examples", typed_value(function, "examples", list), _size(environment))
    if "alarm_empty_percentage" in function and function.get("metrics") is False:
        yield Fault(f"{key}.alarm_empty_percentage", "requires metrics, and metrics is false", "leave one of them out")
    if "budget" in function and "alarm_email" not in function:
        yield Fault(f"{key}.budget", "requires alarm_email", "write alarm_email too")
    yield from _callers(f"{key}.callers", function)
    origins = len(typed_value(function, "cors", list))
    yield from _too_many(f"{key}.cors", "origins", origins, MAX_ORIGINS, 'write fewer, or ["*"]')


def _callers(key: str, function: Mapping[str, Any]) -> Iterator[Fault]:
    callers = len(typed_value(function, "callers", list))
    if callers and function.get("auth") == "none":
        problem = 'is set with auth = "none", which lets everybody call the URL'
        remedy = 'leave it out: the URL needs no permission; or write auth = "iam", also for calls by name'
        yield Fault(key, problem, remedy)
    yield from _too_many(key, "callers", callers, MAX_CALLERS, "write the account in place of its roles and users")


def _with_efs(key: str, function: Mapping[str, Any], environment: Mapping[str, Any]) -> Iterator[Fault]:
    if function.get("snapstart") is True:
        problem = 'is true with shape "image-efs", and Lambda has no SnapStart for functions with EFS'
        yield Fault(f"{key}.snapstart", problem, 'leave out snapstart, or write shape = "image"')
    if (output_resource(typed_value(environment, OUTPUT_VARIABLE, str)) or "").startswith("sqs:"):
        problem = 'is a queue, which cannot be reached with shape "image-efs": its network leads to S3 only'
        yield Fault(f"{key}.environment.{OUTPUT_VARIABLE}", problem, 'write s3://bucket/prefix, or shape = "image"')


def _environment(key: str, environment: Mapping[str, Any]) -> Iterator[Fault]:
    output = environment.get(OUTPUT_VARIABLE)
    if isinstance(output, str) and output_resource(output) is None:
        problem = f"is {describe(output)}; expected a destination of predictions"
        yield Fault(f"{key}.{OUTPUT_VARIABLE}", problem, f"write {OUTPUT_FORMS}")
    remedy = "keep large values in S3 or in the pipeline"
    yield from _too_many(key, "bytes of names and values", _size(environment), MAX_ENVIRONMENT_BYTES, remedy)


def _examples(key: str, examples: list[Any], environment: int) -> Iterator[Fault]:
    """Return the fault of examples that do not fit into the function's environment variables.

    :param environment: Bytes of the others.
    """
    size = len(json.dumps([text for text in examples if isinstance(text, str)]))
    room = MAX_ENVIRONMENT_BYTES - len(EXAMPLES_VARIABLE) - environment
    if size > room > 0 and examples:
        problem = f"has {size:,} bytes as JSON in ASCII; the function's environment has room for {room:,}"
        yield Fault(key, problem, "write fewer or shorter texts")


def _size(environment: Mapping[str, Any]) -> int:
    texts = {name: value for name, value in environment.items() if isinstance(value, str)}
    return sum(len(f"{name}{value}".encode(errors="replace")) for name, value in texts.items())


def _too_many(key: str, items: str, number: int, limit: int, remedy: str) -> Iterator[Fault]:
    if number > limit:
        yield Fault(key, f"has {number:,} {items}; the maximum is {limit:,}", remedy)
