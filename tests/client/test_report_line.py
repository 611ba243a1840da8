from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.local import Report, parse_report

LINE = (
    "REPORT RequestId: an-id\tDuration: 12.34 ms\tBilled Duration: 825 ms\tMemory Size: 2048 MB"
    "\tMax Memory Used: 187 MB\tInit Duration: 812.34 ms"
)
REPORT = Report(request_id="an-id", duration_ms=12.34, memory_size_mb=2048, max_memory_mb=187, init_ms=812.34)


def test_line() -> None:
    assert str(REPORT) == LINE


@pytest.mark.parametrize(
    "log",
    [
        LINE,
        f"START\n{LINE}\n",
        f"{LINE}\t\nXRAY TraceId: 1",
        f"REPORT RequestId: other\tDuration: 1 ms\tMemory Size: 1 MB\n{LINE}",
    ],
)
def test_last_line_is_read_back(log: str) -> None:
    assert parse_report(log) == REPORT


@pytest.mark.parametrize("log", ["", "START", "REPORT", "REPORT RequestId: a\tDuration: 1.00 ms"])
def test_no_report(log: str) -> None:
    assert parse_report(log) is None


def test_lambdas_own_figures_that_we_do_not_have_are_passed_over() -> None:
    log = f"{LINE}\tStatus: timeout\tXRAY TraceId: 1-5-6\tRestore Duration: 1.00 ms"
    report = parse_report(log)
    assert report is not None
    assert report.status == "timeout"


_FIGURES = st.floats(0, 900_000).map(lambda value: round(value, 2))


@given(
    duration=_FIGURES,
    init=st.none() | _FIGURES,
    memory=st.none() | st.integers(1, 10_240),
    status=st.sampled_from([None, "error", "timeout"]),
)
def test_every_line_is_read_back(duration: float, init: float | None, memory: int | None, status: str | None) -> None:
    report = Report(
        request_id="x",
        duration_ms=duration,
        memory_size_mb=128,
        max_memory_mb=memory,
        init_ms=init,
        status=status,
    )
    assert parse_report(str(report)) == report
    assert report.billed_ms >= duration - 0.01
