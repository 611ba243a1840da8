"""Rules across the values of event sources, and between them and their function.

The values may still be of any type: a wrong type is a separate fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from spacy_lambda.cdk.settings import reserved_concurrency
from spacy_lambda.cdk.source_settings import OBJECT_SUFFIXES, SOURCE_KINDS, S3Source, ScheduleSource, object_pattern
from spacy_lambda.config.faults import Fault, describe, typed_value
from spacy_lambda.core.env_names import OUTPUT_VARIABLE
from spacy_lambda.core.lambda_limits import EVENT_PATTERN_CHARACTERS, MAX_BATCH_WITHOUT_WINDOW
from spacy_lambda.core.output_location import OUTPUT_FORMS, S3Prefix, SqsQueue, parse_output

__all__ = ["source_faults"]

Sources = Sequence[tuple[str, Mapping[str, Any]]]
"""Event sources of one function by their keys."""

FIFO = ".fifo"
MAX_BUCKET_SOURCES = 15
"""Each has a statement in the policy of the queue of failed events, which has at most 20, and 8,192 bytes:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html"""

NAMES = {"sqs": "queue", "kinesis": "stream"}
"""Key with the name or the ARN of what a source reads from."""


def source_faults(key: str, function: Mapping[str, Any], project: Mapping[str, Any]) -> Iterator[Fault]:
    """Return the faults of a function's event sources.

    :param key: The function's key.
    """
    listed = enumerate(typed_value(function, "sources", list))
    sources = [(f"{key}.sources[{number}]", one) for number, one in listed if isinstance(one, dict)]
    for place, source in sources:
        yield from _region(place, source, typed_value(project, "region", str))
        if source.get("kind") == "sqs":
            yield from _batches(place, source)
        if source.get("kind") == "s3":
            yield from _pattern(place, source)
        yield from _output(place, source, typed_value(function, "environment", dict))
    buckets = sum(source.get("kind") == "s3" for _, source in sources)
    if buckets > MAX_BUCKET_SOURCES:
        problem = f'has {buckets} sources of the kind "s3"; the maximum is {MAX_BUCKET_SOURCES}'
        yield Fault(f"{key}.sources", problem, "write fewer, with a prefix that several have in common")
    yield from _same(sources)
    yield from _concurrency(sources, function)


def _region(place: str, source: Mapping[str, Any], region: str) -> Iterator[Fault]:
    """Lambda reads from queues and streams of its own region only."""
    name = NAMES.get(str(source.get("kind")), "")
    arn = typed_value(source, name, str).split(":")
    if region and len(arn) > 4 and arn[3] != region:
        problem = f"is in {describe(arn[3])}; Lambda reads from its own region only, {describe(region)}"
        yield Fault(f"{place}.{name}", problem, "name one of that region, or deploy the function to the other one")


def _batches(place: str, source: Mapping[str, Any]) -> Iterator[Fault]:
    size, window = typed_value(source, "batch_size", int), typed_value(source, "maximum_batching_window", int)
    is_fifo = typed_value(source, "queue", str).endswith(FIFO)
    if is_fifo and window > 0:
        problem = f"is {window}, but Lambda has no batching window for FIFO queues"
        yield Fault(f"{place}.maximum_batching_window", problem, "leave it out")
    if size > MAX_BATCH_WITHOUT_WINDOW and is_fifo:
        problem = f"is {size}; the maximum for FIFO queues is {MAX_BATCH_WITHOUT_WINDOW}"
        yield Fault(f"{place}.batch_size", problem, f"write {MAX_BATCH_WITHOUT_WINDOW} or less")
    elif size > MAX_BATCH_WITHOUT_WINDOW and window == 0:
        problem = (
            f"is {size}; more than {MAX_BATCH_WITHOUT_WINDOW} require a maximum_batching_window of 1 second or more"
        )
        yield Fault(f"{place}.batch_size", problem, "write maximum_batching_window = 1 too")


def _pattern(place: str, source: Mapping[str, Any]) -> Iterator[Fault]:
    suffixes = source.get("suffixes")
    if suffixes == []:
        yield Fault(f"{place}.suffixes", "is empty: no key would match", "leave it out for all that can be processed")
    texts = [one for one in suffixes if isinstance(one, str)] if isinstance(suffixes, list) else OBJECT_SUFFIXES
    bucket, prefix = typed_value(source, "bucket", str), typed_value(source, "prefix", str)
    objects = S3Source(bucket=bucket, prefix=prefix, suffixes=tuple(texts))
    size = len(json.dumps(object_pattern(objects)))
    if size > EVENT_PATTERN_CHARACTERS:
        problem = f"makes a pattern of {size:,} characters; the maximum is {EVENT_PATTERN_CHARACTERS:,}"
        yield Fault(place, problem, "write a shorter prefix, or fewer suffixes")


def _output(place: str, source: Mapping[str, Any], environment: Mapping[str, Any]) -> Iterator[Fault]:
    """Check the destination of predictions, which no caller waits for."""
    kind, text = source.get("kind"), typed_value(environment, OUTPUT_VARIABLE, str)
    if "input" not in source and (kind == ScheduleSource.kind or str(kind) not in SOURCE_KINDS):  # a ping, or a fault
        return
    output = parse_output(text)
    if output is None:
        problem = f"requires environment.{OUTPUT_VARIABLE}, the destination of predictions"
        yield Fault(place, problem, f"write it: {OUTPUT_FORMS}")
    elif kind == "s3" and isinstance(output, SqsQueue):
        problem = f"requires an output in S3; environment.{OUTPUT_VARIABLE} is a queue"
        yield Fault(place, problem, f"write {OUTPUT_VARIABLE} = s3://bucket/prefix")
    elif isinstance(output, S3Prefix) and kind == "s3" and _overlaps(source, output.bucket, output.prefix + "/"):
        problem = f"overlaps the output, {describe(text)}: each prediction would be an event again"
        yield Fault(place, problem, "write another bucket or prefix for the output")
    elif isinstance(output, SqsQueue) and kind == "sqs" and _is_queue(source, output):
        yield Fault(
            f"{place}.queue", "is the output too: each prediction would be an event again", "write another queue"
        )


def _overlaps(source: Mapping[str, Any], bucket: str, prefix: str) -> bool:
    prefix, own = prefix.lstrip("/"), typed_value(source, "prefix", str)
    return source.get("bucket") == bucket and (prefix.startswith(own) or own.startswith(prefix))


def _is_queue(source: Mapping[str, Any], output: SqsQueue) -> bool:
    """Return whether the output is the source's queue; of a plain name, the account may be unknown."""
    queue, resource = typed_value(source, "queue", str), output.resource or ""
    return queue.endswith(f":{resource}") if queue.startswith("arn:") else queue == resource.rpartition(":")[2]


def _same(sources: Sources) -> Iterator[Fault]:
    """Two connections to one place would process everything twice, or are refused by Lambda."""
    for (place, one), (other_place, other) in combinations(sources, 2):
        if one.get("kind") != other.get("kind"):
            continue
        if one.get("kind") == "s3":
            same = _overlaps(one, typed_value(other, "bucket", str), typed_value(other, "prefix", str))
        elif one.get("kind") == "schedule":
            same = _schedule(one) == _schedule(other)
        else:
            name = NAMES.get(str(one.get("kind")), "")
            same = name != "" and one.get(name) == other.get(name)
        if same:
            yield Fault(other_place, f"reads what {place.rpartition('.')[2]} reads", "write one of them only")


def _schedule(source: Mapping[str, Any]) -> tuple[Any, ...]:
    return source.get("schedule_expression"), source.get("timezone", ScheduleSource.timezone), source.get("input")


def _concurrency(sources: Sources, function: Mapping[str, Any]) -> Iterator[Fault]:
    """Invocations over the function's own limit are throttled, and count as attempts of their messages.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
    """
    limit = reserved_concurrency(function.get("auth"), function.get("concurrency"))
    if limit is None:
        return
    total = 0
    for place, source in sources:
        total += typed_value(source, "maximum_concurrency", int)
        if total > limit > 0 and "maximum_concurrency" in source:
            problem = f"makes {total} invocations of all queues together; the function's concurrency is {limit}"
            yield Fault(f"{place}.maximum_concurrency", problem, f"write a larger concurrency, or {limit} in all")
