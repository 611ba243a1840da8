"""Rules for single values of ``[[functions.NAME.sources]]``, beyond their types."""

from __future__ import annotations

import re

from spacy_lambda.cdk.literal_text import pattern_problem
from spacy_lambda.cdk.source_settings import OBJECT_SUFFIXES
from spacy_lambda.config.faults import Problem, describe
from spacy_lambda.config.rules import REGION_PATTERN, Rule, between, make_rule, text_rule
from spacy_lambda.core.lambda_limits import (
    MAX_BATCH_SIZE,
    MAX_BATCHING_WINDOW_S,
    MAX_PARALLELIZATION,
    MAX_QUEUE_CONCURRENCY,
    MAX_RETRY_ATTEMPTS,
    MIN_QUEUE_CONCURRENCY,
)
from spacy_lambda.core.output_location import BUCKET
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import RequestError

__all__ = ["SOURCE_RULES"]

QUEUE = r"([A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo)"
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"""

STREAM = "[A-Za-z0-9_.-]{1,128}"
"""https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html"""

TIME = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
CRON_FIELD = "[0-9A-Za-z*/,#-]+"
CRON = rf"cron\({CRON_FIELD} {CRON_FIELD} ({CRON_FIELD} {CRON_FIELD} \?|\? {CRON_FIELD} {CRON_FIELD}) {CRON_FIELD}\)"
"""Minute, hour, day of the month, month, day of the week, year: exactly one of the two days is ``?``."""

EXPRESSION = rf"rate\([1-9][0-9]* (minute|hour|day)s?\)|{CRON}|at\({TIME}\)"
"""https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"""


def _arn(service: str, resource: str) -> str:
    return f"arn:aws[a-z-]*:{service}:{REGION_PATTERN}:[0-9]{{12}}:{resource}"


def _input(value: str) -> Problem | None:
    from spacy_lambda.runtime.request import parse_request

    try:
        parse_request(parse_json(value), max_length=len(value))
    except RequestError as exc:
        return f"is not a request: {exc.message}", exc.remedy
    except ValueError:
        return f"is {describe(value)}; expected JSON", """write a request: '{"text": "..."}'"""
    return None


SOURCE_RULES: dict[str, Rule] = {
    "queue": make_rule(
        rf"{QUEUE}|{_arn('sqs', QUEUE)}",
        "the name or the ARN of a queue",
        'write "texts", or "arn:aws:sqs:REGION:ACCOUNT:texts" for one of another account',
    ),
    "stream": make_rule(
        rf"{STREAM}|{_arn('kinesis', f'stream/{STREAM}')}",
        "the name or the ARN of a stream",
        'write "texts", or "arn:aws:kinesis:REGION:ACCOUNT:stream/texts" for one of another account',
    ),
    "bucket": make_rule(BUCKET.pattern, "the name of a bucket", 'write it without "s3://" and without a key'),
    "prefix": text_rule(pattern_problem, "write the beginning of the keys with letters, digits and ._/-"),
    "suffixes": make_rule(
        rf"[^*?$\\]*({'|'.join(map(re.escape, OBJECT_SUFFIXES))})",
        "the ending of keys that can be processed",
        f"write an ending with one of {', '.join(OBJECT_SUFFIXES)}",
    ),
    "kms_key": make_rule(
        _arn("kms", "key/[A-Za-z0-9-]+"), "the ARN of a KMS key", 'write "arn:aws:kms:REGION:ACCOUNT:key/ID"'
    ),
    "batch_size": between(1, MAX_BATCH_SIZE, "messages or records"),
    "maximum_batching_window": between(0, MAX_BATCHING_WINDOW_S, "seconds"),
    "maximum_concurrency": between(MIN_QUEUE_CONCURRENCY, MAX_QUEUE_CONCURRENCY, "invocations"),
    "parallelization_factor": between(1, MAX_PARALLELIZATION, "batches"),
    "maximum_retry_attempts": between(0, MAX_RETRY_ATTEMPTS, "retries"),
    "schedule_expression": make_rule(
        EXPRESSION,
        "a schedule",
        'write "rate(4 minutes)", "cron(0 8 * * ? *)", in which the day of the month or the day of the week is "?", or'
        ' "at(2030-01-31T08:00:00)"',
    ),
    "timezone": make_rule("[A-Za-z][A-Za-z0-9_+/-]{0,49}", "a time zone", 'write it like "UTC" or "Europe/Berlin"'),
    "input": _input,
}
"""By key; for ``suffixes``, of each item."""
