"""Rules for single values and names of ``spacy-lambda.toml``, beyond their types.

Rules across several values are in :mod:`~spacy_lambda.config.combinations`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Container
from functools import partial
from typing import Any

from spacy_lambda.cdk.aws_names import OWN_TAG_PREFIX
from spacy_lambda.cdk.literal_text import MULTILINE_CONTROLS, key_problem, pattern_problem, text_problem
from spacy_lambda.config.faults import Problem, describe, nearest
from spacy_lambda.core.env_names import (
    BASE_PATH_VARIABLE,
    CACHE_LIMIT_VARIABLE,
    CACHE_VARIABLE,
    COMPARE_VARIABLE,
    CORS_VARIABLE,
    EXAMPLES_VARIABLE,
    MAX_TEXT_VARIABLE,
    MAX_TEXTS_VARIABLE,
    MAX_TOTAL_VARIABLE,
    METRICS_VARIABLE,
    NOTES_VARIABLE,
    OUTPUT_VARIABLE,
    PAGE_VARIABLE,
    PIPELINE_VARIABLE,
    PREFIX,
    RESERVED_BY_LAMBDA,
)
from spacy_lambda.core.lambda_limits import MAX_MEMORY_MB, MAX_TIMEOUT_S
from spacy_lambda.core.location import parse_location
from spacy_lambda.errors import LocationError

__all__ = [
    "FUNCTION_VARIABLES",
    "LINES_RULE",
    "NAME_RULES",
    "SET_BY_KEYS",
    "TABLE_KEY_RULE",
    "TEXT_REMEDY",
    "TEXT_RULE",
    "VALUE_RULES",
    "Rule",
    "between",
    "make_rule",
    "text_rule",
]

Rule = Callable[[Any], Problem | None]
"""Returns the problem of a value of the right type; ``None`` if it is valid."""

NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
"""Valid in S3, ECR, CloudFormation and Lambda."""

NAME_REMEDY = "begin with a lower-case letter; then lower-case letters and digits, with single hyphens between them"

REGION_PATTERN = r"(eusc-)?[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-[0-9]"
"""As in Lambda's API: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""

EMAIL = r"(?=.{1,254}\Z)[^@\s<>()\[\]{}\",;:\\]+@[\w.-]+\.[^\W_]+"
CALLER = r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/([A-Za-z0-9_+=,.@/-]+/)?[A-Za-z0-9_+=,.@-]{1,64}|[0-9]{12}"
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html"""

ORIGIN = r"(?=.{1,253}\Z)(\*|[a-z][a-z0-9+.-]*://(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:[0-9]{1,5})?)"

MIN_MEMORY_MB = 256
"""Smallest memory that is deployed. Lambda's own minimum (:mod:`~spacy_lambda.core.lambda_limits`) is 128, but Python
with spaCy and onnxruntime takes 115 MB without a pipeline; a small pipeline has run with 160."""

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""

TAG_CHARACTERS = "letters, digits, spaces and _.:/=+-@"
TAG_REMEDY = "shorten it, or replace other characters"

VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
"""Lambda's own pattern: https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html"""

SET_BY_KEYS = {
    CACHE_VARIABLE: 'write shape = "image-efs" for a cache on EFS; without it, the cache is in /tmp',
    CORS_VARIABLE: "write cors: browsers refuse two sets of headers",
    EXAMPLES_VARIABLE: "write examples",
    METRICS_VARIABLE: "write metrics: their namespace is the project's name",
    PAGE_VARIABLE: "write page",
    PIPELINE_VARIABLE: "write pipeline",
}
"""Variables that the deployment sets, and the key for each."""

FUNCTION_VARIABLES = (
    BASE_PATH_VARIABLE,
    CACHE_LIMIT_VARIABLE,
    COMPARE_VARIABLE,
    MAX_TEXT_VARIABLE,
    MAX_TEXTS_VARIABLE,
    MAX_TOTAL_VARIABLE,
    NOTES_VARIABLE,
    OUTPUT_VARIABLE,
)
"""Variables of the runtime that only ``environment`` sets."""


def make_rule(valid: str | Container[Any] | Callable[[Any], object], expected: str, remedy: str) -> Rule:
    """Make a rule.

    :param valid: A pattern of the whole value, the valid values, or a condition.
    """
    pattern = re.compile(valid).fullmatch if isinstance(valid, str) else None
    is_valid = pattern or (valid.__contains__ if isinstance(valid, Container) else valid)
    return lambda value: None if is_valid(value) else (f"is {describe(value)}; expected {expected}", remedy)


def between(minimum: int, maximum: int, unit: str) -> Rule:
    limits = f"{minimum} to {maximum}"
    return make_rule(range(minimum, maximum + 1), f"{limits} {unit}", f"write a number from {limits}")


def text_rule(find: Callable[[str], str | None], remedy: str) -> Rule:
    def rule(value: str) -> Problem | None:
        problem = find(value)
        return None if problem is None else (problem, remedy)

    return rule


def _pipeline(value: str) -> Problem | None:
    try:
        location = parse_location(value)
    except LocationError as exc:
        return f"is not a location: {exc.message}", exc.remedy
    return S3_RULE(location.path) if location.scheme == "s3" else None


def _reserved_prefix(name: str) -> str | None:
    starts = name.startswith(("sthree-", "amzn-s3-demo-"))
    return f"is {describe(name)}; it starts with a reserved prefix" if starts else None


def _variable(name: str) -> Problem | None:
    if name in RESERVED_BY_LAMBDA:
        return "is set by Lambda itself", "choose another name"
    if name in SET_BY_KEYS:
        return "is set by the deployment", SET_BY_KEYS[name]
    if name.startswith(PREFIX) and name not in FUNCTION_VARIABLES:
        return "is not a variable of the function", nearest(name, FUNCTION_VARIABLES, "variables")
    if not VARIABLE.fullmatch(name):
        return "is not a valid name", "begin with a letter; then one or more letters, digits and underscores"
    return None


NAME_RULE = make_rule(NAME, "a valid name in AWS", NAME_REMEDY)
RESERVED_PREFIX_RULE = text_rule(_reserved_prefix, "choose another name")
"""Prefixes that S3 reserves: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""

S3_RULE = text_rule(pattern_problem, "write s3://bucket/key with letters, digits and ._/- in the key")
TEXT_REMEDY = "remove it: a CloudFormation template cannot contain it literally"
TEXT_RULE = text_rule(text_problem, TEXT_REMEDY)
LINES_RULE = text_rule(partial(text_problem, allowed=MULTILINE_CONTROLS), TEXT_REMEDY)
TABLE_KEY_RULE = text_rule(key_problem, "choose another name")
FILE_RULE = make_rule(r"[^\0]+", "a file", "write a path")

VALUE_RULES: dict[str, Rule] = {
    "name": lambda value: RESERVED_PREFIX_RULE(value) or NAME_RULE(value),
    "region": make_rule(REGION_PATTERN, "a region", 'write it like "eu-central-1"'),
    "account": make_rule("[0-9]{12}", "an account ID of 12 digits", "see: aws sts get-caller-identity"),
    "tags": make_rule(r"[\w .:/=+@-]{0,256}", f"up to 256 {TAG_CHARACTERS}", TAG_REMEDY),
    "pipeline": _pipeline,
    "signed_by": FILE_RULE,
    "memory": between(MIN_MEMORY_MB, MAX_MEMORY_MB, "MB"),
    "timeout": between(1, MAX_TIMEOUT_S, "seconds"),
    "concurrency": make_rule(
        lambda value: value == "unlimited" or value > 0, "1 or more: with 0 it could not be called", "write 1 or more"
    ),
    "callers": make_rule(
        CALLER,
        "a role, a user or an account",
        'write "arn:aws:iam::ACCOUNT:role/NAME", "arn:aws:iam::ACCOUNT:user/NAME" or "ACCOUNT", the 12 digits; for'
        " an assumed role, write its role's ARN, which `aws iam get-role --role-name NAME` shows",
    ),
    "cors": make_rule(
        ORIGIN,
        "an origin as browsers send it",
        'write "https://example.org", without a path or a slash at the end, or "*"',
    ),
    "alarm_email": make_rule(EMAIL, "an email address", "write name@example.org"),
    "alarm_empty_percentage": between(1, 100, "percent"),
    "budget": make_rule(
        lambda value: value > 0 and math.isfinite(value), "above 0", "write US dollars a month, or leave it out"
    ),
    "log_retention": make_rule(
        RETENTION_DAYS, "a retention that CloudWatch supports", f"choose {', '.join(map(str, RETENTION_DAYS))}"
    ),
    "golden": FILE_RULE,
    "keep_versions": make_rule(
        lambda value: value > 1, "2 or more: the live version, and one to roll back to", "write 2 or more"
    ),
}
"""By key; for ``tags``, ``callers`` and ``cors``, of each item."""

NAME_RULES: dict[str, Rule] = {
    "functions": NAME_RULE,
    "tags": make_rule(
        rf"(?i)(?!aws:|{OWN_TAG_PREFIX})[\w .:/=+@-]{{1,128}}",
        f"1 to 128 {TAG_CHARACTERS}, without the prefixes aws: and {OWN_TAG_PREFIX}",
        TAG_REMEDY,
    ),
    "environment": _variable,
}
"""For the names in a table."""
