"""The log of a function, as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from spacy_lambda.deploy.aws import Aws, aws_error
from spacy_lambda.errors import DeployError

__all__ = ["LogEvent", "read_log"]

POLL_S = 2.0


@dataclass(frozen=True)
class LogEvent:
    """One line.

    :param time: When.
    :param stream: Which environment told it.
    :param message: What it told.
    """

    time: datetime
    stream: str
    message: str


def read_log(
    aws: Aws,
    function: str,
    *,
    since: timedelta,
    follow: bool = False,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[LogEvent]:
    """Lines of the log, in order.

    :param function: Its name in AWS.
    :param since: From how long ago.
    :param follow: Go on with what comes, until the caller stops.
    :param wait: Takes seconds.
    :raises DeployError: If there is no log, or AWS does not tell.
    """
    client = aws.client("logs")
    start = int((datetime.now(UTC) - since).timestamp() * 1000)
    seen: set[str] = set()
    while True:
        try:
            pages = client.get_paginator("filter_log_events").paginate(
                logGroupName=f"/aws/lambda/{function}", startTime=start
            )
            for page in pages:
                for event in page["events"]:
                    if event["eventId"] in seen:
                        continue
                    seen.add(event["eventId"])
                    start = max(start, event["timestamp"])
                    when = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                    yield LogEvent(when, event["logStreamName"], event["message"].rstrip("\n"))
        except client.exceptions.ResourceNotFoundException as exc:
            raise DeployError(
                f"there is no log of {function}", remedy="deploy it first: 'spacy-lambda deploy'"
            ) from exc
        except (ClientError, BotoCoreError) as exc:
            raise aws_error(exc, f"reading the log of {function}") from exc
        if not follow:
            return
        wait(POLL_S)
