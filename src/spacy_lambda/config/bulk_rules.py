"""Rules for the values of ``[functions.NAME.bulk]``, beyond their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spacy_lambda.cdk.aws_names import output_resource
from spacy_lambda.cdk.settings import reserved_concurrency
from spacy_lambda.config.faults import Fault, typed_value
from spacy_lambda.config.rules import Rule, between, make_rule
from spacy_lambda.core.lambda_limits import MAX_MAP_CONCURRENCY

__all__ = ["BULK_RULES", "bulk_faults"]

MAX_RETRIES = 20

BULK_RULES: dict[str, Rule] = {
    "location": make_rule(
        lambda value: (output_resource(value) or "").startswith("s3:"),
        "a bucket and a prefix",
        "write s3://bucket/prefix with letters, digits and ._/- in the prefix",
    ),
    "max_concurrency": between(1, MAX_MAP_CONCURRENCY, "invocations"),
    "tolerated_failure_percentage": between(0, 100, "percent"),
    "tolerated_failure_count": make_rule(lambda value: value >= 0, "0 or more shards", "write 0 or more"),
    "max_attempts": between(0, MAX_RETRIES, "retries"),
}
"""By key."""


def bulk_faults(key: str, function: Mapping[str, Any]) -> Iterator[Fault]:
    """Return the faults between the bulk configuration and other keys of a function.

    :param key: The function's key.
    """
    bulk = typed_value(function, "bulk", dict)
    wanted = typed_value(bulk, "max_concurrency", int)
    reserved = reserved_concurrency(function.get("auth"), function.get("concurrency"))
    if reserved is not None and wanted > reserved > 0:
        problem = f"is {wanted}; the function's concurrency is {reserved}"
        yield Fault(f"{key}.bulk.max_concurrency", problem, f"write {reserved} or less, or a larger concurrency")
