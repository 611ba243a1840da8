"""Log events of a function, as they arrive."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.core.lambda_function import log_group_name
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.errors import DeployError

__all__ = ["LogEvent", "read_log"]

POLL_S = 2.0


@dataclass(frozen=True)
class LogEvent:
    """One log event.

    :param time: Its time.
    :param stream: Log stream of the execution environment.
    :param message: Its text.
    """

    time: datetime
    stream: str
    message: str


def read_log(
    aws: AwsAccount,
    function: str,
    *,
    since: timedelta,
    follow: bool = False,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[LogEvent]:
    """Yield the log events of a function, in order.

    :param aws: The account and the region.
    :param function: Its name in AWS.
    :param since: Age of the first event.
    :param follow: Continue with new events, until the caller stops.
    :param wait: Called with the seconds between two polls.
    :raises DeployError: If there is no log, or AWS refuses.
    """
    start = int((datetime.now(UTC) - since).timestamp() * 1000)
    seen: dict[str, int] = {}
    while True:
        for event in _events(aws, function, start):
            if event["eventId"] in seen:
                continue
            seen[event["eventId"]] = event["timestamp"]
            start = max(start, event["timestamp"])
            when = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
            yield LogEvent(when, event["logStreamName"], event["message"].rstrip("\n"))
        if not follow:
            return
        seen = {name: when_ms for name, when_ms in seen.items() if when_ms >= start}  # no other is read again
        wait(POLL_S)


def _events(aws: AwsAccount, function: str, start: int) -> Iterator[dict[str, Any]]:
    client = aws.client("logs")
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=log_group_name(function), startTime=start)
    with aws_errors(f"reading the log of {function}"):
        try:
            for page in pages:
                yield from page["events"]
        except client.exceptions.ResourceNotFoundException as exc:
            raise DeployError(
                f"the log group of {function} does not exist", remedy="run `spacy-lambda deploy` first"
            ) from exc
