"""A pipeline or a bundle in the local Lambda -> its figures."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_lambda.client.service_failures import KILLED
from spacy_lambda.core.counts import count
from spacy_lambda.core.lambda_limits import MAX_MEMORY_MB, MB_PER_VCPU
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.core.vcpus import vcpus
from spacy_lambda.errors import SizingError
from spacy_lambda.local.served_pipeline import serve_function
from spacy_lambda.runtime.cpus import cpu_share
from spacy_lambda.sizing.durations import machine_load, measure_durations, median_length, request
from spacy_lambda.sizing.figures import Figures
from spacy_lambda.sizing.texts import BUILT_IN_TEXTS, Texts

if TYPE_CHECKING:
    from spacy_lambda.client.invocation import Invocation

__all__ = ["READ_LOG", "TIMEOUT_S", "Invoke", "TooLittleMemory", "measure", "measure_calls"]

HERE = "the local Lambda"
READ_LOG = "run it with `spacy-lambda serve` or `spacy-lambda run-bundle`, and read its log"
RUNS = 3
BUDGET_S = 20.0
"""Seconds after which no further run begins."""

TIMEOUT_S = 300.0
"""Timeout while a function is measured: slow ones are measured too."""

Invoke = Callable[[Any], "Invocation"]
"""Invokes a function with an event."""


class TooLittleMemory(SizingError):
    """The function was killed because of its memory."""


def measure(
    pipeline: str | Path,
    texts: Texts = BUILT_IN_TEXTS,
    *,
    memory_mb: int = MB_PER_VCPU,
    timeout_s: float = TIMEOUT_S,
    on_step: OnStep = no_progress,
) -> Figures:
    """Run a function in the local Lambda, with one CPU, and with more memory if it is killed.

    :param pipeline: A compiled pipeline or a bundle.
    :param texts: Texts to measure.
    :param memory_mb: Memory in MB, by which it gets CPUs.
    :param timeout_s: Seconds after which an invocation is ended.
    :param on_step: Called with each step's name, the number of steps done, and their total.
    :raises SizingError: If it fails.
    """
    while True:
        try:
            on_step("starting", 0, 0)
            with serve_function(pipeline, memory=memory_mb, timeout=timeout_s) as function:
                cpus = min(vcpus(memory_mb), cpu_share())
                figures = measure_calls(function.invoke, texts, cpus=cpus, on_step=on_step)
                return replace(figures, cpu_part=_cpu_part(function.environment_pids))
        except TooLittleMemory:
            if memory_mb >= MAX_MEMORY_MB:
                raise
            memory_mb = min(MAX_MEMORY_MB, 2 * memory_mb)


def measure_calls(
    invoke: Invoke, texts: Texts, *, cpus: float, place: str = HERE, on_step: OnStep = no_progress
) -> Figures:
    """Invoke a new function with each text several times.

    The first invocation waits for the init, and creates what is created at the first use: it is not counted. If its
    init failed or took too long, Lambda repeats it within that invocation.

    :param cpus: CPUs that the function has.
    :param place: Where it runs, in words.
    :raises SizingError: If an invocation fails.
    """
    first = _invoked(invoke, request(texts.texts[0]), place)
    peaks = [_peak(first)]

    def run(text: str) -> float:
        report = _invoked(invoke, request(text), place)
        peaks.append(_peak(report))
        return float(report.duration_ms)

    durations = measure_durations(texts.texts, run, runs=RUNS, budget_s=BUDGET_S, on_step=on_step)
    init_ms = first.init_ms if first.init_ms is not None else first.duration_ms - statistics.median(durations.rounds[0])
    return Figures(
        init_s=init_ms / 1000,
        ms=durations.typical,
        peak_mb=max((peak for peak in peaks if peak is not None), default=None),
        cpus=cpus,
        source=f"{count(len(texts.texts), 'text')} of {texts.source}, median"
        f" {count(median_length(texts.texts), 'character')}{_busy() if place == HERE else ''}",
    )


def _cpu_part(pids: Sequence[int]) -> float | None:
    """Return the part of the time in which processes could run that they ran; ``None`` if it is unknown.

    It is that of their main threads: those of the encoder wait for one another, too.
    """
    ran = waited = 0
    for pid in pids:
        try:  # https://docs.kernel.org/scheduler/sched-stats.html
            words = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()
            ran, waited = ran + int(words[0]), waited + int(words[1])
        except (OSError, ValueError, IndexError):
            return None
    return ran / (ran + waited) if ran else None


def _busy() -> str:
    """Return a remark if other programs want more CPUs than there are: durations are then too long."""
    load = machine_load()
    return f"; this machine is busy (load {load:.1f})" if load > (os.cpu_count() or 1) else ""


def _peak(report: Any) -> int | None:
    found: int | None = report.max_memory_mb
    return found


def _invoked(invoke: Invoke, event: object, place: str) -> Any:
    """Return the figures of an invocation.

    :raises TooLittleMemory: If the function was killed.
    :raises SizingError: If it failed in another way.
    """
    invocation = invoke(event)
    error = invocation.error
    if error is not None:
        raised = TooLittleMemory if KILLED in error.message else SizingError
        last = invocation.log_tail.strip().rpartition("\n")[2]
        raise raised(
            f"the function fails in {place}: {error.error_type}: {error.message}\n{last}",
            remedy=error.remedy or READ_LOG,
        )
    if invocation.report is None:
        raise SizingError(f"{place} returned no REPORT line", remedy="retry")
    return invocation.report
