"""Figures of a function, from the REPORT lines of its invocations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from spacy_lambda.client.invocation import FunctionError, Invocation
from spacy_lambda.client.report_line import Report
from spacy_lambda.errors import SizingError
from spacy_lambda.sizing.measurement import Invoke, TooLittleMemory, measure_calls
from spacy_lambda.sizing.texts import Texts

pytestmark = pytest.mark.usefixtures("quiet")
TEXTS = Texts("texts.jsonl", ("iron", "zinc oxide"))


def invocation(ms: float, *, init_ms: float | None = None, peak: int | None = 100, error: str = "") -> Invocation:
    report = Report(request_id="1", duration_ms=ms, memory_size_mb=1769, max_memory_mb=peak, init_ms=init_ms)
    failed = FunctionError(error_type="Runtime.ExitError", message=error) if error else None
    return Invocation(
        answer=[], error=failed, status=200, executed_version="$LATEST", request_id="1", log_tail=str(report)
    )


def answers(*found: Invocation) -> Invoke:
    waiting: Iterator[Invocation] = iter(found)

    def invoke(event: Any) -> Invocation:
        assert event["long_text"] == "split"
        return next(waiting)

    return invoke


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (1.0, 0.0, 0.0))


def test_the_first_invocation_does_not_count() -> None:
    calls = [invocation(ms, peak=peak) for ms, peak in ((10, 120), (30, 90), (90, 150), (30, 90), (10, 90), (50, 90))]
    found = measure_calls(answers(invocation(500, init_ms=1900), *calls), TEXTS, cpus=1.0)
    assert found.ms == pytest.approx((10 + 30) / 2)
    assert (found.init_s, found.peak_mb, found.cpus) == (1.9, 150, 1.0)
    assert found.source == "2 texts of texts.jsonl, median 7 characters"


def test_an_init_that_was_repeated_is_in_the_first_duration() -> None:
    found = measure_calls(answers(invocation(12_020), *[invocation(20)] * 6), TEXTS, cpus=1.0)
    assert found.init_s == pytest.approx(12.0)


def test_a_busy_machine_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (99.5, 0.0, 0.0))
    found = measure_calls(answers(invocation(5, init_ms=9), *[invocation(1)] * 6), TEXTS, cpus=1)
    assert found.source.endswith("; this machine is busy (load 98.5)")


def test_unknown_memory_stays_unknown() -> None:
    found = measure_calls(answers(invocation(5, init_ms=9, peak=None), *[invocation(1, peak=None)] * 6), TEXTS, cpus=1)
    assert found.peak_mb is None


def test_a_killed_function_has_too_little_memory() -> None:
    with pytest.raises(TooLittleMemory, match="signal: killed"):
        measure_calls(answers(invocation(5, error="Runtime exited with error: signal: killed")), TEXTS, cpus=1.0)
    with pytest.raises(SizingError, match="exit status 3") as failed:
        measure_calls(answers(invocation(5, error="Runtime exited with error: exit status 3")), TEXTS, cpus=1.0)
    assert "read its log" in failed.value.remedy
