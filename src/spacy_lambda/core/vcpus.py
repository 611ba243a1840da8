"""The CPU time that comes with a function's memory, and the time that work takes with it."""

from __future__ import annotations

from spacy_lambda.core.lambda_limits import MB_PER_VCPU

__all__ = ["init_slowdown", "slowdown", "vcpus"]

EXPONENT = 0.6
"""Two CPUs do not halve the time: the exponent of what was measured."""


def vcpus(memory_mb: float) -> float:
    """Return the CPUs of a function with this memory."""
    return memory_mb / MB_PER_VCPU


def slowdown(cpus: float) -> float:
    """Return the time of a text on a number of CPUs, or on a part of one, as a multiple of that on one CPU."""
    return 1 / (cpus if cpus < 1 else cpus**EXPONENT)


def init_slowdown(cpus: float) -> float:
    """Return the same of an init. More CPUs than one do not count, although a second one shortens an init somewhat."""
    return 1 / min(1.0, cpus)
