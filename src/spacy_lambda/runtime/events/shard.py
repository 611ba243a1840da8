"""A shard of a corpus: an object of documents -> an object of annotated documents, in S3.

::

    {"shard": {
        "name":     "abstracts.jsonl-00000",
        "input":    "s3://bucket/documents.jsonl",     lines of documents, as core/annotation.py has them
        "output":   "s3://bucket/results.jsonl",       annotated documents
        "errors":   "s3://bucket/errors.jsonl",        documents with an error, if there are any
        "record":   "s3://bucket/record.json",         the response, written last
        "options":  {"include": ["ents"], "labels": null, "long_text": "refuse"},
        "pipeline": "5f0c..."},                        optional: the digest that the function's pipeline must have
     "retries": 0,                                     optional: earlier attempts of this execution of Step Functions
     "execution": "arn:aws:states:..."}                optional: its ARN

The response has the counts of the documents and the figures of which the invocation's cost is made. A shard that is
sent twice is written twice, with the same bytes.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from spacy_lambda.core.annotation import AnnotateOptions
from spacy_lambda.core.digest import is_digest
from spacy_lambda.core.env_names import MEMORY_SIZE_VARIABLE
from spacy_lambda.core.output_location import S3Prefix, parse_output
from spacy_lambda.errors import OutOfTimeError, OutputError, RequestError
from spacy_lambda.runtime.annotation import AnnotatedShard, annotate_shard
from spacy_lambda.runtime.events.output import ENDPOINTS
from spacy_lambda.runtime.events.records import encode
from spacy_lambda.runtime.events.s3_objects import DEFAULT_LIMITS, StoredObject, read_lines
from spacy_lambda.runtime.predictor import Predictor

__all__ = ["ShardEvent"]

LOCATIONS = ("input", "output", "errors", "record")
KEYS = {"name", *LOCATIONS, "options", "pipeline"}
ATTEMPT = ("retries", "execution")
"""Keys of an event that its record repeats: Step Functions' account of the attempts at the shard."""


@dataclass
class RecordTime:
    """The time that a record takes to be written, which it contains before it is known.

    :param seconds: Time of the last record in this execution environment.
    """

    seconds: float | None = None


_RECORD_TIME = RecordTime()


class ShardEvent:
    """An item of a Distributed Map of Step Functions.

    :param record_time: Kept from one invocation to the next.
    """

    name = "shard"

    def __init__(self, record_time: RecordTime = _RECORD_TIME) -> None:
        self._record_time = record_time

    def matches(self, event: Any) -> bool:
        return isinstance(event, Mapping) and isinstance(event.get("shard"), Mapping)

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        """Annotate a shard, and write its results, its errors and its record, each whole or not at all.

        :raises RequestError: If the event is invalid, or the time does not suffice for the shard.
        :raises StoreError: If the documents cannot be read.
        :raises OutputError: If the results cannot be written.
        """
        began = time.perf_counter()
        task = _Task.parse(event["shard"], predictor)
        client = _client(tuple(os.environ.get(name) for name in ENDPOINTS))
        done, sha256 = _annotate(client, task, predictor)
        if done.errors:
            _write(client, task.errors, done.errors)
        writing = time.perf_counter()
        _write(client, task.output, done.lines)
        ended = time.perf_counter()
        record_s = self._record_time.seconds
        billed_s = ended - began + (ended - writing if record_s is None else record_s)
        attempt = {key: event[key] for key in ATTEMPT if key in event}
        record = {**_record(task, done, sha256, predictor, billed_s=billed_s), **attempt}
        _write(client, task.record, encode(record))
        self._record_time.seconds = time.perf_counter() - ended
        return record


@dataclass(frozen=True)
class _Task:
    """A checked event."""

    name: str
    input: StoredObject
    output: StoredObject
    errors: StoredObject
    record: StoredObject
    options: AnnotateOptions

    @classmethod
    def parse(cls, values: Mapping[str, Any], predictor: Predictor) -> Self:
        """Read an event.

        :raises RequestError: If it is invalid, or meant for another pipeline.
        """
        for key in sorted({*values} - KEYS, key=str):
            remedy = f"send {', '.join(sorted(KEYS))}"
            loggable = RequestError('unknown key in "shard"', remedy=remedy, key="shard")
            raise RequestError(f'unknown key "shard.{key}"', remedy=remedy, key="shard", loggable=loggable)
        name, expected = values.get("name"), values.get("pipeline")
        if not isinstance(name, str):
            raise RequestError('"shard.name" must be a string', remedy="send the shard's name", key="shard.name")
        if expected is not None and predictor.sha256 not in (None, expected):
            other = str(expected) if is_digest(expected) else "the digest of the shard"
            raise RequestError(
                f"the function's pipeline is {predictor.sha256}, not {other}",
                remedy="annotate with the pipeline that is live",
                key="shard.pipeline",
                status=409,
            )
        places = {key: _location(values.get(key), f"shard.{key}") for key in LOCATIONS}
        return cls(name, **places, options=_options(values, predictor))


def _annotate(client: Any, task: _Task, predictor: Predictor) -> tuple[AnnotatedShard, str]:
    """Return the annotated shard and the digest of its documents."""
    digest = hashlib.sha256()
    try:
        done = annotate_shard(_hashed(read_lines(client, task.input, DEFAULT_LIMITS), digest), predictor, task.options)
    except OutOfTimeError as exc:
        raise RequestError(
            "the shard cannot be annotated within the function's timeout",
            remedy="raise the function's timeout or memory, or make smaller shards",
            key="shard",
            status=exc.status,
        ) from exc
    return done, digest.hexdigest()


def _record(task: _Task, done: AnnotatedShard, sha256: str, predictor: Predictor, *, billed_s: float) -> dict[str, Any]:
    memory = predictor.environ.get(MEMORY_SIZE_VARIABLE, "")
    return {
        "shard": task.name,
        "pipeline": predictor.sha256,
        "sha256": sha256,
        "counts": done.counts.to_dict(),
        "seconds": round(done.seconds, 3),
        "bytes": len(done.lines),
        "error_bytes": len(done.errors),
        "billed_ms": math.ceil(predictor.observation.init_ms + 1000 * billed_s),
        "memory_mb": int(memory) if memory.isdigit() else None,
    }


def _location(value: Any, key: str) -> StoredObject:
    place = parse_output(value) if isinstance(value, str) else None
    if not isinstance(place, S3Prefix) or not place.prefix:
        raise RequestError(f'"{key}" must be an object in S3', remedy="send s3://bucket/key", key=key)
    return StoredObject(place.bucket, place.prefix)


def _options(values: Mapping[str, Any], predictor: Predictor) -> AnnotateOptions:
    try:
        options = AnnotateOptions.from_dict(values["options"])
    except (KeyError, TypeError) as exc:
        remedy = 'send {"include": ["ents"], "labels": null, "long_text": "refuse"}'
        raise RequestError('"shard.options" are incomplete', remedy=remedy, key="shard.options") from exc
    predictor.parse({"text": "", "include": list(options.include), "long_text": options.long_text})
    return options


@lru_cache(maxsize=4)
def _client(endpoints: tuple[str | None, ...]) -> Any:
    """Return a client of S3; one serves all invocations. Each endpoint, which boto3 reads itself, has its own."""
    from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT
    from spacy_lambda.core.source.s3 import s3_client

    return s3_client(FROM_ENVIRONMENT)


def _hashed(lines: Iterator[bytes], digest: Any) -> Iterator[bytes]:
    for number, line in enumerate(lines, start=1):
        if len(line) > DEFAULT_LIMITS.line:
            raise RequestError(
                f"line {number} of the shard has more than {DEFAULT_LIMITS.line >> 20} MiB", remedy="split its text"
            )
        digest.update(line)
        yield line


def _write(client: Any, place: StoredObject, content: bytes) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    from spacy_lambda.core.source.s3 import s3_error

    try:
        client.put_object(Bucket=place.bucket, Key=place.key, Body=content)
    except (BotoCoreError, ClientError) as exc:
        error = s3_error(exc, place.bucket, place.key)
        raise OutputError(error.message, remedy=error.remedy) from exc
