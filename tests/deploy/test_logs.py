"""The log of a function while it is followed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from types import SimpleNamespace
from typing import Any

from spacy_lambda.deploy.logs import read_log

POLLS = 50


class Log:
    """A log to which each wait between polls adds two events, at one time."""

    def __init__(self) -> None:
        self.now_ms = int(datetime.now(UTC).timestamp() * 1000)
        self.written: list[dict[str, Any]] = []
        self.exceptions = SimpleNamespace(ResourceNotFoundException=KeyError)

    def client(self, service: str) -> Log:
        return self

    def get_paginator(self, name: str) -> Log:
        return self

    def paginate(self, *, logGroupName: str, startTime: int) -> Iterator[dict[str, Any]]:
        yield {"events": [one for one in self.written if one["timestamp"] >= startTime]}

    def wait(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)
        for _ in range(2):
            number = str(len(self.written))
            event = {"eventId": number, "timestamp": self.now_ms, "logStreamName": "stream", "message": f"{number}\n"}
            self.written.append(event)


def test_each_event_is_read_once_and_not_remembered_for_ever() -> None:
    log: Any = Log()
    events: Any = read_log(log, "papers-ner", since=timedelta(minutes=1), follow=True, wait=log.wait)
    assert [event.message for event in islice(events, 2 * POLLS)] == [str(number) for number in range(2 * POLLS)]
    assert len(events.gi_frame.f_locals["seen"]) <= 4
