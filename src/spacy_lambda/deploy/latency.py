"""Latency of a pipeline on texts like the user's: the median of several runs on this machine, converted to a function's
share of CPU, and the size of the line that each invocation logs.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_lambda.core.env_names import FUNCTION_NAME_VARIABLE, METRICS_VARIABLE
from spacy_lambda.core.lambda_limits import MB_PER_VCPU
from spacy_lambda.errors import DeployError

if TYPE_CHECKING:
    from spacy_lambda.runtime.predictor import Predictor

__all__ = ["Latency", "Texts", "event_line_bytes", "golden_texts", "measure_latency", "read_texts"]

MAX_TEXTS = 30
RUNS = 5
BUDGET_S = 5.0
"""Seconds after which no further run begins."""

BUILT_IN = "the built-in sample"


@dataclass(frozen=True)
class Texts:
    """Texts that latency is measured on.

    :param source: Where they come from, in words.
    :param texts: A sample of them, none of which is blank.
    """

    source: str
    texts: tuple[str, ...]


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
        from spacy_lambda.runtime.speed import Speed

        seconds = Speed("tokens", 1.0, 1.0)
        return self.ms * seconds.on(memory / MB_PER_VCPU) / seconds.on(self.cpus)


def read_texts(path: Path) -> Texts:
    """Read texts of the user's choice.

    :param path: A folder of ``.txt`` files, or a ``.txt``, ``.jsonl`` or ``.spacy`` file.
    :raises SpacyLambdaError: If it cannot be read, or has only blank texts.
    """
    # First, so that spaCy is imported without its command line.
    from spacy_lambda.runtime.spacy_import import spacy  # isort: skip
    from spacy_lambda.compiler.texts import read_docs

    found = _texts(str(path), (doc.text for doc in read_docs(path, spacy.blank("xx"))))
    if not found.texts:
        raise DeployError(f"{path} has only blank texts", remedy="name a file with texts like those of the callers")
    return found


def golden_texts(golden: Path | None, requests: Iterable[Mapping[str, Any]], predictor: Predictor) -> Texts:
    """Return the texts of golden tests that the pipeline accepts.

    :param golden: The project's file of golden tests; ``None`` for the built-in ones.
    :param requests: Their requests.
    """
    source = BUILT_IN if golden is None else f"the golden tests in {golden.name}"
    return _texts(source, (text for request in requests for text in predictor.parse(request).texts))


def _texts(source: str, found: Iterable[str]) -> Texts:
    return Texts(source, tuple(_spread([text for text in found if text.strip()])))


def _spread(texts: Sequence[str]) -> list[str]:
    """Return a sample that is spread evenly, because files may be sorted by length."""
    if len(texts) <= MAX_TEXTS:
        return list(texts)
    return [texts[number * len(texts) // MAX_TEXTS] for number in range(MAX_TEXTS)]


def measure_latency(predictor: Predictor, texts: Texts) -> Latency:
    """Time a loaded pipeline on each text several times."""
    from spacy_lambda.runtime.cpus import cpu_share

    measured = texts.texts or (".",)
    _timed(predictor, measured[0])  # objects that are created at the first use
    began = time.perf_counter()
    rounds: list[list[float]] = []
    while len(rounds) < RUNS and (not rounds or time.perf_counter() - began < BUDGET_S):
        rounds.append([_timed(predictor, text) for text in measured])
    medians = [statistics.median(times) for times in zip(*rounds, strict=True)]
    return Latency(
        source=texts.source,
        texts=len(measured),
        characters=round(statistics.median(map(len, measured))),
        runs=len(rounds),
        ms=1000 * statistics.fmean(medians),
        cpus=cpu_share(),
        load=_load(),
    )


def _load() -> float:
    """Return the load of the last minute, in which this process had one CPU or more."""
    return max(0.0, os.getloadavg()[0] - 1) if hasattr(os, "getloadavg") else 0.0


def _timed(predictor: Predictor, text: str) -> float:
    began = time.perf_counter()
    predictor.predict(predictor.parse({"text": text, "long_text": "split"}))
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
