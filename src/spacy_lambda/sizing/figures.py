"""Figures of a function, measured at one memory size, and what they are at others."""

from __future__ import annotations

from dataclasses import dataclass

from spacy_lambda.core.vcpus import init_slowdown, slowdown, vcpus

__all__ = ["IDLE_MACHINE_REMEDY", "Figures"]


ENOUGH_CPU = 0.7
"""Part of the CPU time below which measured durations say little about Lambda."""

IDLE_MACHINE_REMEDY = "run again when the machine is idle"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Measured or given figures.

    :param init_s: Seconds of an init.
    :param ms: Milliseconds of a text in a request of its own, warm.
    :param peak_mb: Peak memory in MB; ``None`` if unknown.
    :param cpus: CPUs with which the durations were measured.
    :param source: Their origin, in words.
    :param cpu_part: Part of the CPU time that the function wanted and got; the rest, other programs had. ``None`` if
        unknown.
    """

    init_s: float
    ms: float
    peak_mb: int | None
    cpus: float
    source: str
    cpu_part: float | None = None

    @property
    def starved(self) -> str:
        """A remark if other programs took so much CPU time that the durations are far too long, else empty."""
        if self.cpu_part is None or self.cpu_part >= ENOUGH_CPU:
            return ""
        return f"this machine gave it {self.cpu_part:.0%} of a CPU"

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
