"""Figures of a function, measured at one memory size, and what they are at others."""

from __future__ import annotations

from dataclasses import dataclass

from spacy_lambda.core.vcpus import init_slowdown, slowdown, vcpus

__all__ = ["Figures"]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Measured or given figures.

    :param init_s: Seconds of an init.
    :param ms: Milliseconds of a text in a request of its own, warm.
    :param peak_mb: Peak memory in MB; ``None`` if unknown.
    :param cpus: CPUs with which the durations were measured.
    :param source: Their origin, in words.
    """

    init_s: float
    ms: float
    peak_mb: int | None
    cpus: float
    source: str

    def ms_at(self, memory_mb: int) -> float:
        """Return the milliseconds of a text with the CPUs of a memory size.

        :param memory_mb: Memory in MB.
        """
        return self.ms * slowdown(vcpus(memory_mb)) / slowdown(self.cpus)

    def init_s_at(self, memory_mb: int) -> float:
        """Return the seconds of an init with the CPUs of a memory size.

        :param memory_mb: Memory in MB.
        """
        return self.init_s * init_slowdown(vcpus(memory_mb)) / init_slowdown(self.cpus)

    def fits(self, memory_mb: int) -> bool:
        """Return whether the peak is within a memory size, as far as it is known.

        :param memory_mb: Memory in MB.
        """
        return self.peak_mb is None or self.peak_mb <= memory_mb
