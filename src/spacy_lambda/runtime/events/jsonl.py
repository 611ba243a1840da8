"""Lines of requests -> lines of predictions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from spacy_lambda.errors import OutOfTimeError, RequestError
from spacy_lambda.runtime.events.records import encode, error_of, outcomes_of, parse_body
from spacy_lambda.runtime.events.s3_objects import DEFAULT_LIMITS, ObjectLimits
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import KEYS, Request

__all__ = ["predict_lines"]

BATCH_LINES = 256
BATCH_BYTES = 1 << 20
"""A batch ends with whichever comes first."""

Line = tuple[int, bytes]


def predict_lines(
    lines: Iterable[bytes], predictor: Predictor, limits: ObjectLimits = DEFAULT_LIMITS
) -> Iterator[bytes]:
    """Predict every line that is not blank, in order, many at a time.

    The prediction is added to the line's other keys: as ``ents``, or as ``answer`` if the line has ``include``. A line
    that cannot be processed has ``error``, with its number, instead.

    :raises OutOfTimeError: If there is not the time for all of them.
    """
    for batch in _batches(lines, limits.line):
        read = [_read(line, predictor, limits.line) for _, line in batch]
        outcomes = iter(outcomes_of(predictor, [request for _, request in read if isinstance(request, Request)]))
        for (number, _), (others, request) in zip(batch, read, strict=True):
            outcome = next(outcomes) if isinstance(request, Request) else request
            if isinstance(outcome, OutOfTimeError):
                raise outcome
            if isinstance(outcome, Exception):
                result = {"error": {"line": number, **error_of(outcome)}}
            else:
                result = {_key(request): outcome}
            yield encode({**others, **result}) + b"\n"


def _batches(lines: Iterable[bytes], limit: int) -> Iterator[list[Line]]:
    batch: list[Line] = []
    size = 0
    for number, line in enumerate(lines, start=1):
        if line.isspace() and len(line) <= limit:
            continue
        batch.append((number, line))
        size += len(line)
        if len(batch) == BATCH_LINES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    yield batch


def _read(line: bytes, predictor: Predictor, limit: int) -> tuple[dict[str, Any], Request | RequestError]:
    """Return a line's other keys, and its request or the error of it."""
    others: dict[str, Any] = {}
    try:
        if len(line) > limit:
            raise RequestError(f"the line has more than {limit >> 20} MiB", remedy="split its text")
        value = parse_body(line, name="the line")
        if isinstance(value, Mapping):
            others = {key: value[key] for key in value if key not in KEYS}
            value = {key: value[key] for key in value if key in KEYS}
        return others, predictor.parse(value)
    except RequestError as exc:
        return others, exc


def _key(request: Request | RequestError) -> str:
    return "ents" if isinstance(request, Request) and request.include is None else "answer"
