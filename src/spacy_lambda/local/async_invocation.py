"""An asynchronous invocation: attempts until one succeeds, and a record of the one that never does.

As in Lambda, two retries follow a function error, and throttled attempts are repeated for hours
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import LocalLambdaError
from spacy_lambda.local.messages import InvokeRequest, Outcome
from spacy_lambda.local.pool import PoolClosed, TooManyRequests
from spacy_lambda.local.router import RoutedFunction
from spacy_lambda.local.snap_start import SnapStartFailed

__all__ = ["invoke_until_success"]

_LOGGER = logging.getLogger(__name__)

MAX_AGE_S = 6 * 3600
"""Age at which Lambda drops an event that it cannot give to the function."""

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0
"""Seconds before the first repetition of a throttled attempt, doubled up to the longest."""


async def invoke_until_success(function: RoutedFunction, request: InvokeRequest, *, turns: asyncio.Semaphore) -> None:
    """Invoke a function, again after each error as long as it has retries, and record the last error.

    :param turns: Acquired for each attempt: in Lambda, events queue apart from requests.
    """
    settings, began = function.settings, time.monotonic()
    waits = (*settings.retry_after_s, None)
    try:
        for wait_s in waits:
            outcome = await _invoke(function, request, turns, until=began + MAX_AGE_S)
            if outcome.response.error_type is None:
                return
            if wait_s is not None:
                _LOGGER.info("event %s failed; it is retried in %g s", request.request_id, wait_s)
                await asyncio.sleep(wait_s)
    except asyncio.CancelledError:
        _LOGGER.warning("event %s was dropped: the local Lambda is shutting down", request.request_id)
        raise
    except (TooManyRequests, PoolClosed, SnapStartFailed, LocalLambdaError) as exc:
        _LOGGER.warning("event %s was dropped: %s", request.request_id, str(exc) or type(exc).__name__)
        return
    _LOGGER.warning("event %s failed %d times", request.request_id, len(waits))
    if settings.on_failure is not None:
        _write(settings.on_failure, request, outcome, attempts=len(waits), version=settings.version)


async def _invoke(
    function: RoutedFunction, request: InvokeRequest, turns: asyncio.Semaphore, *, until: float
) -> Outcome:
    """Invoke a function, waiting while it is throttled.

    :param until: The end of the event's age, as of :func:`time.monotonic`.
    """
    wait_s = FIRST_WAIT_S
    while True:
        try:
            async with turns:
                return await function.invoke(request)
        except TooManyRequests:
            if time.monotonic() + wait_s > until:
                raise
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def _write(folder: Path, request: InvokeRequest, outcome: Outcome, *, attempts: int, version: str) -> None:
    """Write the record that Lambda sends to an on-failure destination."""
    record = {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": request.request_id,
            "functionArn": request.arn,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": attempts,
        },
        "requestPayload": _json(request.payload),
        "responseContext": {"statusCode": 200, "executedVersion": version, "functionError": "Unhandled"},
        "responsePayload": _json(outcome.response.payload),
    }
    path = folder / f"{request.request_id}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    except OSError as exc:
        _LOGGER.warning("%s cannot be written: %s", path, exc.strerror)


def _json(payload: bytes) -> Any:
    """Return a payload, which is JSON unless a handler of another runtime wrote it."""
    try:
        return parse_json(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")
