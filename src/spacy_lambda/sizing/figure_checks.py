"""Figures of a function -> findings about its init, its memory and its durations."""

from __future__ import annotations

from spacy_lambda.core.compiled_meta import COMPILE_SMALLER
from spacy_lambda.core.lambda_limits import INIT_LIMIT_S, MAX_MEMORY_MB, MB_PER_VCPU, NEW_ACCOUNT_MEMORY_MB
from spacy_lambda.core.vcpus import vcpus
from spacy_lambda.sizing.check_options import CheckOptions
from spacy_lambda.sizing.figures import IDLE_MACHINE_REMEDY, Figures
from spacy_lambda.sizing.verdict import LimitFinding, fails, ok, warning

__all__ = ["MEMORY", "check_duration", "check_figures", "check_init", "check_memory", "with_uncertainty"]

INIT_MARGIN = 0.7
"""Share of the limit of an init above which another CPU may exceed it."""

SNAPSTART_INIT_S = 130.0
"""Seconds of an init before a snapshot, or the function's timeout if it is longer:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html."""

MEMORY = "memory"
"""Name of the finding about the peak."""

MEMORY_MARGIN = 0.8
TIMEOUT_MARGIN = 0.5
"""Shares of memory and timeout above which longer texts than the measured ones may exceed them."""


def check_figures(figures: Figures, options: CheckOptions) -> list[LimitFinding]:
    """Check measured figures against the limits."""
    init, duration = (
        with_uncertainty(one, figures) for one in (check_init(figures, options), check_duration(figures, options))
    )
    return [init, *check_memory(figures, options), duration]


def with_uncertainty(found: LimitFinding, figures: Figures) -> LimitFinding:
    """Return a warning in place of a finding about a duration that other programs have made longer."""
    if found.status == "ok" or not figures.starved:
        return found
    return warning(found.name, f"{found.detail}; not certain: {figures.starved}", IDLE_MACHINE_REMEDY)


def check_init(figures: Figures, options: CheckOptions) -> LimitFinding:
    """Check the init: one that takes too long runs again in the first invocation, and is paid for twice."""
    seconds, cpus = figures.init_s_at(options.memory_mb), vcpus(options.memory_mb)
    limit = max(SNAPSTART_INIT_S, options.timeout_s) if options.snapstart else INIT_LIMIT_S
    detail = f"{seconds:.1f} s with {options.memory_mb:,} MB ({cpus:.2f} vCPU); the limit is {limit:g} s"
    faster = f"raise memory to {MB_PER_VCPU:,} MB, which has one vCPU" if cpus < 1 else "make the pipeline smaller"
    if seconds <= INIT_MARGIN * limit:
        return ok("init", detail)
    if seconds <= limit:
        return warning("init", f"{detail}, which a slower CPU may exceed", f"{faster}, or turn on SnapStart")
    if options.snapstart:
        return fails("init", f"{detail}: publishing a version fails", faster)
    first = seconds + figures.ms_at(options.memory_mb) / 1000
    restored = f"{faster}, or turn on SnapStart"
    again = f"{detail}: it runs again in the first invocation, which then takes {first:.1f} s"
    if first > options.timeout_s:
        return fails("init", f"{again}, more than the timeout of {options.timeout_s:g} s", restored)
    return warning("init", f"{again}, and both are paid for", restored)


def check_memory(figures: Figures, options: CheckOptions) -> list[LimitFinding]:
    """Check the peak memory against the setting, and the setting against the quota of new accounts."""
    found = [_peak(figures, options)] if figures.peak_mb is not None else []
    if options.memory_mb > NEW_ACCOUNT_MEMORY_MB:
        found.append(
            warning(
                "memory quota",
                f"{options.memory_mb:,} MB; new accounts may be held to {NEW_ACCOUNT_MEMORY_MB:,} MB",
                f"use at most {NEW_ACCOUNT_MEMORY_MB:,} MB there, or let AWS raise the quota",
            )
        )
    return found


def _peak(figures: Figures, options: CheckOptions) -> LimitFinding:
    peak = figures.peak_mb or 0
    detail = f"peak {peak:,} MB of {options.memory_mb:,} MB"
    wanted = -(-int(peak / MEMORY_MARGIN) // 64) * 64
    remedy = (
        f"raise memory to {wanted:,} MB" if wanted <= MAX_MEMORY_MB else f"{COMPILE_SMALLER}, or choose a smaller one"
    )
    if peak > options.memory_mb:
        return fails(MEMORY, f"{detail}: Lambda kills it", remedy)
    if peak > MEMORY_MARGIN * options.memory_mb:
        return warning(MEMORY, f"{detail}, and longer texts take more", remedy)
    return ok(MEMORY, detail)


def check_duration(figures: Figures, options: CheckOptions) -> LimitFinding:
    """Check the duration of a text against the timeout."""
    seconds = figures.ms_at(options.memory_mb) / 1000
    detail = f"{seconds * 1000:.0f} ms a text, warm; the timeout is {options.timeout_s:g} s ({figures.source})"
    remedy = "raise the timeout or the memory, or send shorter texts"
    if seconds > options.timeout_s:
        return fails("duration", detail, remedy)
    if seconds > TIMEOUT_MARGIN * options.timeout_s:
        return warning("duration", detail, remedy)
    return ok("duration", detail)
