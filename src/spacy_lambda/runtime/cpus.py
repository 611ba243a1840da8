"""CPUs that are available to this process."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

from spacy_lambda.core.env_names import CPUS_VARIABLE, MEMORY_SIZE_VARIABLE
from spacy_lambda.core.lambda_limits import MB_PER_VCPU

__all__ = ["available_cpus", "cpu_share"]


def available_cpus(environ: Mapping[str, str] = os.environ, *, cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """CPUs this process can use at once, at least 1: :func:`cpu_share`, rounded up.

    More threads than this only take turns, and with a quota they are stopped in the middle of a matrix product.

    :param environ: The environment variables.
    :param cgroup: The mount point of the cgroup file system.
    """
    return max(1, math.ceil(cpu_share(environ, cgroup=cgroup)))


def cpu_share(environ: Mapping[str, str] = os.environ, *, cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """CPU time this process gets in each second: the smallest of its affinity, its cgroup's quota, the share that comes
    with a function's memory, and ``SPACY_LAMBDA_CPUS``.

    :param environ: The environment variables.
    :param cgroup: The mount point of the cgroup file system.
    """
    if hasattr(os, "sched_getaffinity"):
        limits = [float(len(os.sched_getaffinity(0)))]
    else:
        limits = [float(os.cpu_count() or 1)]
    quota = _cgroup_quota(cgroup)
    if quota is not None:
        limits.append(quota)
    memory = environ.get(MEMORY_SIZE_VARIABLE, "")
    if memory.isdigit():
        limits.append(int(memory) / MB_PER_VCPU)
    share = environ.get(CPUS_VARIABLE, "")
    if share.isdigit() and int(share):
        limits.append(float(share))
    return min(limits)


def _cgroup_quota(root: Path) -> float | None:
    """CPUs granted by cgroup v2 (``cpu.max``) or v1 (``cpu.cfs_quota_us``); ``None`` without a limit."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        quota_us = int((root / "cpu" / "cpu.cfs_quota_us").read_text())
        period_us = int((root / "cpu" / "cpu.cfs_period_us").read_text())
        return quota_us / period_us if quota_us > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
