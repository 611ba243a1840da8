"""Shared parts of the event sources that deliver records."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import MAX_MESSAGE, RequestError, SpacyLambdaError, shorten
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import Request

__all__ = ["encode", "error_of", "field", "is_from", "outcomes_of", "parse_body", "warn", "write_each"]


def is_from(event: Any, source: str) -> bool:
    """Return whether an event holds records of a source, such as ``aws:sqs``; SNS writes the key in another way."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    first = records[0] if isinstance(records, list) and records else None
    return isinstance(first, Mapping) and source in (first.get("eventSource"), first.get("EventSource"))


def field(record: Any, *path: str) -> str:
    """Return a string that AWS always sends.

    :raises RequestError: If it is missing.
    """
    value = record
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(value, str):
        raise RequestError(f'the event has no "{".".join(path)}"', remedy="send it as AWS does", key=path[-1])
    return value


def parse_body(body: str | bytes, *, name: str = "the message body") -> Any:
    """Parse a body.

    :param name: The name of the body in the error.
    :raises RequestError: If it is not valid JSON; the message does not quote it.
    """
    try:
        return parse_json(body)
    except ValueError:
        raise RequestError(f"{name} is not valid JSON", remedy='send {"text": "..."}, or "texts" or "inputs"') from None


def encode(value: Any) -> bytes:
    """Return JSON in UTF-8; a lone surrogate becomes its escape."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


def outcomes_of(predictor: Predictor, requests: Sequence[Request]) -> list[Any]:
    """Return the prediction of each request, or its exception; an error of all requests is returned for each."""
    try:
        return predictor.predict_each(requests)
    except Exception as exc:  # not caused by one request; the next attempt may succeed
        return [exc.with_traceback(None) for _ in requests]


def write_each(
    records: Iterable[Any], write: Callable[[Any], Iterable[str]], *, logger: logging.Logger, what: str
) -> dict[str, list[str]]:
    """Write the predictions of every record, also after one that fails.

    :param write: Writes those of a record, and returns their names.
    :param what: A record in words, for the log.
    :returns: The response: the names of all that was written.
    :raises Exception: If a record failed: its error, after all others were written.
    """
    written: list[str] = []
    errors: list[Exception] = []
    for record in records:
        try:
            written += write(record)
        except Exception as exc:  # of a component, too
            warn(logger, what, exc)
            errors.append(exc)
    if errors:
        raise errors[0]
    return {"written": written}


def error_of(error: Exception) -> dict[str, str]:
    """Return an error in the form that takes the place of a prediction."""
    name = type(error).__name__
    fields = {"errorType": name, "errorMessage": shorten(str(error), MAX_MESSAGE) or name}
    if isinstance(error, SpacyLambdaError):
        fields.update(errorMessage=error.message, remedy=error.remedy)
    return fields


def warn(logger: logging.Logger, what: str, error: Exception) -> None:
    """Log why something failed. The message is omitted, because it may quote the text."""
    remedy = f"; {error.remedy}" if isinstance(error, SpacyLambdaError) else ""
    logger.warning("%s: %s%s", what, type(error).__name__, remedy)
