"""What each value has to be, beyond its type. A rule takes a value and complains, or not."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from spacy_lambda.config.aws_names import OWN_TAG_PREFIX
from spacy_lambda.config.faults import Complaint, Fault, dotted, shown
from spacy_lambda.config.literal_text import pattern_complaint
from spacy_lambda.config.variables import environment_faults
from spacy_lambda.core.lambda_limits import MAX_MEMORY_MB, MAX_TIMEOUT_S
from spacy_lambda.core.location import parse_location
from spacy_lambda.errors import LocationError

__all__ = ["FUNCTION_RULES", "PROJECT_RULES", "RULES_OF_MANY", "Rule", "function_name", "one_of"]

Rule = Callable[[Any], Complaint | None]
RuleOfMany = Callable[[str, Any], Iterator[Fault]]
"""For a list or a table, whose items may each be wrong; it passes over those that are no strings."""

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""What S3, ECR, CloudFormation and Lambda all take."""

NAME_REMEDY = "begin with a lower-case letter; then lower-case letters and digits, with single hyphens between them"

TAKEN_PREFIXES = ("sthree-", "amzn-s3-demo-")
"""Buckets must not begin so: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""

REGION = re.compile(r"(eusc-)?[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-[0-9]")
"""As in Lambda's API: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""

ACCOUNT = re.compile(r"[0-9]{12}")
EMAIL = re.compile(r"[^@\s<>()\[\]{}\",;:\\]+@[\w.-]+\.[^\W_]+")
ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:[0-9]{1,5})?")
LONGEST_EMAIL = 254
LONGEST_ORIGIN = 253
MOST_ORIGINS = 100

RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""

LEAST_MEMORY = 256
"""Lambda's least is 128, but Python with spaCy and onnxruntime has 115 MB before there is a pipeline, and a small one
has answered at 160; in less than this nothing runs."""

MOST_TAGS = 47
"""AWS takes 50; three are ours."""

TAG_KEY, TAG_VALUE = 128, 256
TAG_CHARACTERS = " _.:/=+-@"
NOT_YOUR_TAGS = ("aws:", OWN_TAG_PREFIX)


def function_name(value: str) -> Complaint | None:
    """What is wrong with the name of a function's table."""
    return None if NAME.fullmatch(value) else ("is no name for AWS", NAME_REMEDY)


def one_of(choices: tuple[str, ...]) -> Rule:
    """A rule for a word out of a list."""

    def rule(value: str) -> Complaint | None:
        if value in choices:
            return None
        return f"is {shown(value)}", f"choose {', '.join(choices)}"

    return rule


def _between(least: int, most: int, unit: str) -> Rule:
    def rule(value: int) -> Complaint | None:
        if least <= value <= most:
            return None
        return f"is {shown(value)}; it has to be {least} to {most} {unit}", f"write a number from {least} to {most}"

    return rule


def _at_least(least: int, why: str) -> Rule:
    def rule(value: int) -> Complaint | None:
        return None if value >= least else (f"is {shown(value)}; the least is {least}: {why}", f"write {least} or more")

    return rule


def _concurrency(value: int | str) -> Complaint | None:
    if isinstance(value, str):
        return None if value == "unlimited" else (f"is {shown(value)}", 'write a whole number, or "unlimited"')
    return _at_least(1, "with 0 nobody could call it")(value)


def _project_name(value: str) -> Complaint | None:
    if value.startswith(TAKEN_PREFIXES):
        return f"is {shown(value)}, and no bucket's name may begin so", "choose another name"
    return None if NAME.fullmatch(value) else (f"is {shown(value)}, which is no name for AWS", NAME_REMEDY)


def _region(value: str) -> Complaint | None:
    if REGION.fullmatch(value):
        return None
    return f"is {shown(value)}, which is no region", 'write one as "eu-central-1"'


def _account(value: str) -> Complaint | None:
    if ACCOUNT.fullmatch(value):
        return None
    return f"is {shown(value)}; an account has 12 digits", "see: aws sts get-caller-identity"


def _tags(where: str, tags: Mapping[str, Any]) -> Iterator[Fault]:
    if len(tags) > MOST_TAGS:
        yield Fault(where, f"has {len(tags)} tags; AWS takes 50, and three are ours", f"write {MOST_TAGS} or fewer")
    for key, value in tags.items():
        complaint = _tag(key, value if isinstance(value, str) else "")
        if complaint is not None:
            yield Fault(f"{where}.{dotted(key)}", *complaint)


def _tag(key: str, value: str) -> Complaint | None:
    if key.lower().startswith(NOT_YOUR_TAGS):
        return "is not yours to set", f"choose a key that does not begin with {' or '.join(NOT_YOUR_TAGS)}"
    if not 1 <= len(key) <= TAG_KEY or len(value) > TAG_VALUE:
        return (
            f"has {len(key)} characters, and its value {len(value)}",
            f"write a key of 1 to {TAG_KEY}, and a value of up to {TAG_VALUE} characters",
        )
    if not all(character.isalnum() or character in TAG_CHARACTERS for character in key + value):
        return f"is {shown(value)}; some characters are not for tags", "write letters, digits, spaces and _.:/=+-@"
    return None


def _origins(where: str, origins: list[Any]) -> Iterator[Fault]:
    if len(origins) > MOST_ORIGINS:
        yield Fault(where, f"has {len(origins)} origins; Lambda takes {MOST_ORIGINS}", 'write fewer, or ["*"]')
    for number, origin in enumerate(origins):
        if isinstance(origin, str) and (not ORIGIN.fullmatch(origin) or len(origin) > LONGEST_ORIGIN):
            yield Fault(
                f"{where}[{number}]",
                f"is {shown(origin)}, which no browser sends as an origin",
                'write "https://example.org", without a path or a slash at the end, or "*"',
            )


def _pipeline(value: str) -> Complaint | None:
    try:
        location = parse_location(value)
    except LocationError as exc:
        return f"is no location: {exc.message}", exc.remedy
    except (OSError, ValueError) as exc:
        return f"is no path: {exc.__class__.__name__}", "write a shorter path, without unusual characters"
    if "\0" in value:
        return "is no path: it has a null character", "leave it out"
    wrong = pattern_complaint(location.path) if location.scheme == "s3" else None
    return (wrong, "write s3://bucket/key with letters, digits and ._/- in the key") if wrong else None


def _email(value: str) -> Complaint | None:
    if EMAIL.fullmatch(value) and len(value) <= LONGEST_EMAIL:
        return None
    return f"is {shown(value)}, which is no address", "write name@example.org"


def _budget(value: float) -> Complaint | None:
    if value > 0 and math.isfinite(value):
        return None
    return f"is {shown(value)}; a budget is more than 0", "write US dollars a month, or leave it out"


def _retention(value: int) -> Complaint | None:
    if value in RETENTIONS:
        return None
    return (
        f"is {shown(value)}, for which CloudWatch has no retention",
        f"choose {', '.join(map(str, RETENTIONS))}",
    )


def _file(value: str) -> Complaint | None:
    return None if value and "\0" not in value else (f"is {shown(value)}, which is no file", "write a path")


PROJECT_RULES: dict[str, Rule] = {"name": _project_name, "region": _region, "account": _account}
FUNCTION_RULES: dict[str, Rule] = {
    "pipeline": _pipeline,
    "memory": _between(LEAST_MEMORY, MAX_MEMORY_MB, "MB"),
    "timeout": _between(1, MAX_TIMEOUT_S, "seconds"),
    "concurrency": _concurrency,
    "alarm_email": _email,
    "budget": _budget,
    "log_retention": _retention,
    "golden": _file,
    "signed_by": _file,
    "keep_versions": _at_least(2, "the live one, and one to go back to"),
}
RULES_OF_MANY: dict[str, RuleOfMany] = {"tags": _tags, "cors": _origins, "environment": environment_faults}
