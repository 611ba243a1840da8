"""Latency of a pipeline on texts like the user's: the median of several runs on this machine, converted to a function's
share of CPU, and the size of the line that each invocation logs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_lambda.core.env_names import FUNCTION_NAME_VARIABLE, METRICS_VARIABLE
from spacy_lambda.core.vcpus import slowdown, vcpus
from spacy_lambda.sizing.durations import machine_load, measure_durations, median_length, request
from spacy_lambda.sizing.texts import Texts, sample_texts

if TYPE_CHECKING:
    from spacy_lambda.runtime.predictor import Predictor

__all__ = ["Latency", "event_line_bytes", "golden_texts", "measure_latency"]

RUNS = 5
BUDGET_S = 5.0
"""Seconds after which no further run begins."""

DEFAULT_SOURCE = "the default golden tests"


@dataclass(frozen=True)
class Latency:
    """Latency of a text in a request of its own.

    :param source: Where the texts come from, in words.
    :param texts: Number of texts that were measured.
    :param characters: Their median length.
    :param runs: Number of runs of each, of which the median counts.
    :param ms: Mean of the texts' medians on this machine, warm.
    :param cpus: CPUs of this machine that were used.
    :param load: Processes that other programs wanted to run meanwhile, on average.
    """

    source: str
    texts: int
    characters: int
    runs: int
    ms: float
    cpus: float
    load: float = 0.0

    def on(self, memory: int) -> float:
        """Estimate the milliseconds of a function that has the CPU share of a memory size."""
        return self.ms * slowdown(vcpus(memory)) / slowdown(self.cpus)


def golden_texts(golden: Path | None, requests: Iterable[Mapping[str, Any]], predictor: Predictor) -> Texts:
    """Return the texts of golden tests that the pipeline accepts.

    :param golden: The project's file of golden tests; ``None`` for the built-in ones.
    :param requests: Their requests.
    """
    source = DEFAULT_SOURCE if golden is None else f"the golden tests in {golden.name}"
    return sample_texts(source, (text for request in requests for text in predictor.parse(request).texts))


def measure_latency(predictor: Predictor, texts: Texts) -> Latency:
    """Time a loaded pipeline on each text several times."""
    from spacy_lambda.runtime.cpus import cpu_share

    measured = texts.texts or (".",)
    _timed(predictor, measured[0])  # objects that are created at the first use
    found = measure_durations(measured, partial(_timed, predictor), runs=RUNS, budget_s=BUDGET_S)
    return Latency(
        source=texts.source,
        texts=len(measured),
        characters=median_length(measured),
        runs=len(found.rounds),
        ms=1000 * found.typical,
        cpus=cpu_share(),
        load=machine_load(),
    )


def _timed(predictor: Predictor, text: str) -> float:
    began = time.perf_counter()
    predictor.predict(predictor.parse(request(text)))
    return time.perf_counter() - began


def event_line_bytes(predictor: Predictor, *, project: str, function: str, sha256: str, labels: Sequence[str]) -> int:
    """Return the bytes of the line with the metrics of an invocation."""
    from spacy_lambda.runtime.telemetry.recorder import Recorder

    lines: list[str] = []
    environ = {METRICS_VARIABLE: project, FUNCTION_NAME_VARIABLE: function}
    recorder = Recorder(environ, model=sha256, labels=labels, write=lines.append)
    for _ in range(2):  # the first is that of a cold start
        with recorder.invocation("0" * 36) as observation:
            replace(predictor, observation=observation).predict(predictor.parse({"text": "Iron."}))
    return len(lines[-1].encode())
