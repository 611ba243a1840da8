"""Retries, and the waits before them."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from spacy_lambda.client import Client
from spacy_lambda.client.transport import CallError
from spacy_lambda.errors import InvokeError, RequestError
from tests.client.fakes import Clock, Fake, answer_to, failed, failing


def passing(number: int, **how: Any) -> list[CallError]:
    return [failed(retryable=True, **how) for _ in range(number)]


def test_later_each_time_up_to_the_cap() -> None:
    clock = Clock()
    fake = failing(passing(6))
    client = Client(fake, retry=clock.retry(max_attempts=7, base_s=0.5, cap_s=4))
    assert client.predict("iron") == answer_to("iron")
    assert clock.waits == [0.5, 1, 2, 4, 4, 4]
    assert len(fake.bodies) == 7


def test_full_jitter() -> None:
    clock = Clock(jitter=0.0)
    Client(failing(passing(2)), retry=clock.retry()).predict("iron")
    assert clock.waits == [0, 0]


def test_the_last_failure_is_raised() -> None:
    clock = Clock()
    fake = failing(passing(9))
    with pytest.raises(InvokeError, match="no luck"):
        Client(fake, retry=clock.retry(max_attempts=3)).predict("iron")
    assert (len(fake.bodies), len(clock.waits)) == (3, 2)


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("7", 7),
        ("0", 0.2),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 10),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.2),
        ("nonsense", 0.2),
        (None, 0.2),
    ],
)
def test_retry_after(retry_after: str | None, wait: float) -> None:
    clock = Clock(now=90)
    Client(failing(passing(1, retry_after=retry_after)), retry=clock.retry()).predict("iron")
    assert clock.waits == [wait]


@pytest.mark.parametrize(
    "retry_after",
    [
        "-5",
        "1e9",
        "NaN",
        "٣٤٥٦٧",
        "9" * 5000,
        "Thu, 01 Jan 99999 00:00:00 GMT",
        "Thu, 99 Jan 2026 00:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:00 -9999",
        ",",
        "1 2 3 4 5 6 7 8",
        "\x00",
        "x" * 100_000,
    ],
)
def test_a_retry_after_of_any_kind(retry_after: str) -> None:
    """A sensible ``Retry-After`` is honored, any other ignored without an error."""
    clock = Clock(now=1.9e9)
    client = Client(failing(passing(1, retry_after=retry_after)), retry=clock.retry())
    with contextlib.suppress(InvokeError):
        assert client.predict("iron") == answer_to("iron")
    assert sum(clock.waits) <= 60


@pytest.mark.parametrize(("timeout_s", "waits"), [(5, []), (50, [9.0])])
def test_no_wait_exceeds_the_time_of_the_call(timeout_s: float, waits: list[float]) -> None:
    clock = Clock()
    client = Client(failing(passing(1, retry_after="9")), retry=clock.retry(), timeout_s=timeout_s)
    with contextlib.suppress(InvokeError):
        client.predict("iron")
    assert clock.waits == waits


def test_a_retry_after_over_the_limit_is_not_waited_for() -> None:
    clock = Clock()
    with pytest.raises(InvokeError):
        Client(failing(passing(1, retry_after="3600")), retry=clock.retry()).predict("iron")
    assert clock.waits == []


@pytest.mark.parametrize("error", [InvokeError("x", remedy="y"), RequestError("x", remedy="y", key="text")])
def test_permanent_failures_are_not_retried(error: Exception) -> None:
    fake = failing([CallError(error)])  # type: ignore[arg-type]
    with pytest.raises(type(error)) as caught:
        Client(fake).predict("iron")
    assert caught.value is error
    assert len(fake.bodies) == 1


def test_info_is_repeated_too() -> None:
    clock = Clock()
    fake = failing(passing(1), then=lambda event: event)
    assert Client(fake, retry=clock.retry()).info() == {"path": "/info"}
    assert len(clock.waits) == 1


def test_close() -> None:
    fake = Fake(lambda event: [])
    with Client(fake) as client:
        assert not fake.closed
        client.predict("iron")
    assert fake.closed
