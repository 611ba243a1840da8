"""Measured figures against Lambda's limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spacy_lambda.sizing import CheckOptions
from spacy_lambda.sizing.figure_checks import check_duration, check_figures, check_init, check_memory
from tests.sizing.checked import figures, statuses


@pytest.mark.parametrize(
    ("init_s", "memory", "snapstart", "status"),
    [
        (2.0, 1769, False, "ok"),
        (2.0, 512, False, "ok"),
        (2.5, 512, False, "warning"),
        (8.0, 1769, False, "warning"),
        (12.0, 1769, False, "warning"),
        (12.0, 256, False, "fails"),
        (12.0, 1769, True, "ok"),
        (200.0, 1769, True, "fails"),
    ],
)
def test_inits(init_s: float, memory: int, snapstart: bool, status: str) -> None:
    found = check_init(figures(init_s=init_s), CheckOptions(memory_mb=memory, snapstart=snapstart))
    assert found.status == status
    assert bool(found.remedy) == (status != "ok")


def test_an_init_that_runs_again_has_to_fit_into_the_timeout() -> None:
    slow = figures(init_s=12.0, ms=100.0)
    assert check_init(slow, CheckOptions(memory_mb=1769, timeout_s=12)).status == "fails"
    found = check_init(slow, CheckOptions(memory_mb=1769, timeout_s=13))
    assert "it runs again in the first invocation, which then takes 12.1 s" in found.detail


def test_durations_that_other_programs_made_longer_are_not_certain() -> None:
    starved = replace(figures(init_s=48.6, ms=40_000.0), cpu_part=0.04)
    found = {one.name: one for one in check_figures(starved, CheckOptions(memory_mb=1769))}
    assert [found[name].status for name in ("init", "duration")] == ["warning", "warning"]
    assert found["init"].detail.endswith("; not certain: this machine gave it 4% of a CPU")
    assert found["init"].remedy == "run again when the machine is idle"
    sure = check_figures(replace(starved, cpu_part=0.9), CheckOptions(memory_mb=1769))
    assert sure[0].status == "fails"


@pytest.mark.parametrize(("peak", "memory", "status"), [(300, 512, "ok"), (450, 512, "warning"), (600, 512, "fails")])
def test_memory(peak: int, memory: int, status: str) -> None:
    (found,) = check_memory(figures(peak_mb=peak), CheckOptions(memory_mb=memory))
    assert found.status == status
    assert found.remedy == {"ok": "", "warning": "raise memory to 576 MB", "fails": "raise memory to 768 MB"}[status]


def test_new_accounts_have_less_memory() -> None:
    assert statuses(check_memory(figures(), CheckOptions(memory_mb=3008))) == {"memory": "ok"}
    found = check_memory(figures(peak_mb=None), CheckOptions(memory_mb=3009))
    assert statuses(found) == {"memory quota": "warning"}


@pytest.mark.parametrize(("ms", "status"), [(14_000, "ok"), (16_000, "warning"), (31_000, "fails")])
def test_durations(ms: float, status: str) -> None:
    assert check_duration(figures(ms=ms), CheckOptions(memory_mb=1769)).status == status
