"""Durations of texts, each measured several times, and the load of this machine meanwhile."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spacy_lambda.core.progress import OnStep, no_progress

__all__ = ["Durations", "machine_load", "measure_durations", "median_length", "request"]


@dataclass(frozen=True)
class Durations:
    """Durations of texts.

    :param rounds: Those of all texts, in each run.
    """

    rounds: tuple[tuple[float, ...], ...]

    @property
    def typical(self) -> float:
        """Mean over the texts of each text's median: one slow run does not change it."""
        return statistics.fmean(statistics.median(times) for times in zip(*self.rounds, strict=True))


def measure_durations(
    texts: Sequence[str],
    run: Callable[[str], float],
    *,
    runs: int,
    budget_s: float,
    on_step: OnStep = no_progress,
) -> Durations:
    """Run all texts several times.

    :param run: Runs a text, and returns its duration.
    :param runs: Maximum number of runs of each.
    :param budget_s: Seconds after which all of them are not run again.
    """
    began, rounds = time.monotonic(), list[tuple[float, ...]]()
    while len(rounds) < runs and (not rounds or time.monotonic() - began < budget_s):
        durations = list[float]()
        for text in texts:
            on_step("measuring", len(rounds) * len(texts) + len(durations), runs * len(texts))
            durations.append(run(text))
        rounds.append(tuple(durations))
    return Durations(tuple(rounds))


def machine_load() -> float:
    """Return the processes that other programs wanted to run in the last minute; this one had one CPU or more."""
    return max(0.0, os.getloadavg()[0] - 1) if hasattr(os, "getloadavg") else 0.0


def median_length(texts: Sequence[str]) -> int:
    """Return the median of the characters of texts."""
    return round(statistics.median(map(len, texts)))


def request(text: str) -> dict[str, str]:
    """Return the request with a text; one over the function's limit is split."""
    return {"text": text, "long_text": "split"}
