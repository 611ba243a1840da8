"""The CPUs that come with a function's memory: 1,769 MB is one vCPU.

The process may use as many CPUs as the share has, rounded up, and ``os.sched_getaffinity`` shows them to onnxruntime.
The share itself is the quota of a cgroup, where this user may make one; otherwise only whole CPUs are limited, for
stopping and continuing processes would also stop their network connections and their clocks.
"""

from __future__ import annotations

import math
import os
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CgroupParent", "chosen_cpus", "find_cgroup_parent"]

PERIOD_US = 20_000
"""The length of the slices in which Lambda gives CPU time."""

SAMPLE_S = 0.1
"""Seconds for which the use of CPUs is measured."""

MIN_QUOTA_US = 1000
"""Linux's own minimum."""


@dataclass(frozen=True)
class CgroupParent:
    """A folder of the cgroup file system in which this user can limit CPUs.

    :param folder: The folder.
    :param version: 1 or 2.
    """

    folder: Path
    version: int

    def limits(self, share: float) -> dict[str, str]:
        """Return the contents of a cgroup's files for a share of CPUs."""
        quota_us = max(round(share * PERIOD_US), MIN_QUOTA_US)
        if self.version == 2:
            return {"cpu.max": f"{quota_us} {PERIOD_US}"}
        return {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": str(quota_us)}

    def works(self) -> bool:
        """Return whether a cgroup can be made and limited."""
        probe = self.folder / f"spacy-lambda-{uuid.uuid4().hex}"
        try:
            probe.mkdir()
            try:
                for name, value in self.limits(1.0).items():
                    (probe / name).write_text(value, encoding="ascii")
            finally:
                probe.rmdir()
        except OSError:
            return False
        return os.access(self.folder / "cgroup.procs", os.W_OK)


def chosen_cpus(share: float, number: int) -> list[int]:
    """Return the CPUs that an environment may use, the least busy ones first; other environments get the next ones.

    :param number: The number of the environment, from 1.
    :returns: An empty list if it may use all of this machine, or where the system cannot limit them.
    """
    if not hasattr(os, "sched_getaffinity"):
        return []
    own, wanted = sorted(os.sched_getaffinity(0)), math.ceil(share)
    if wanted >= len(own):
        return []
    busy, first = _busy_levels(), (number - 1) * wanted
    own.sort(key=lambda cpu: busy.get(cpu, 0))
    return sorted(own[(first + offset) % len(own)] for offset in range(wanted))


def _busy_levels(stat: Path = Path("/proc/stat")) -> dict[int, int]:
    """Return how busy each CPU is, in quarters, measured for a moment; nothing where the system does not report it."""
    before = _idle_ticks(stat)
    if not before:
        return {}
    time.sleep(SAMPLE_S)
    wanted = SAMPLE_S * os.sysconf("SC_CLK_TCK")
    return {
        cpu: round(4 * max(0.0, 1 - (idle - before.get(cpu, 0)) / wanted)) for cpu, idle in _idle_ticks(stat).items()
    }


def _idle_ticks(stat: Path) -> dict[int, int]:
    """Return the ticks that each CPU has been idle, or waited for a device; see proc(5)."""
    try:
        lines = [line.split() for line in stat.read_text(encoding="ascii").splitlines()]
        return {int(words[0][3:]): int(words[4]) + int(words[5]) for words in lines if re.match(r"cpu\d", words[0])}
    except (OSError, ValueError, IndexError):
        return {}


def find_cgroup_parent(*, proc: Path = Path("/proc/self")) -> CgroupParent | None:
    """Return the folder for cgroups of environments; ``None`` if this user has none.

    With version 2 it is the parent of this process's own, because a cgroup with processes cannot limit its children.
    """
    try:
        mounts = [line.split() for line in (proc / "mountinfo").read_text(encoding="utf-8").splitlines()]
        own = [line.split(":", 2) for line in (proc / "cgroup").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return None
    return next((parent for parent in _candidates(mounts, own) if parent.works()), None)


def _candidates(mounts: list[list[str]], own: list[list[str]]) -> Iterator[CgroupParent]:
    for words in mounts:
        place, (kind, _, options) = Path(words[4]), words[words.index("-") + 1 :][:3]
        for _, controllers, path in own:
            folder = place / path.lstrip("/")
            if kind == "cgroup2" and not controllers:
                parent = folder.parent if path != "/" else folder
                if "cpu" in _read_words(parent / "cgroup.subtree_control"):
                    yield CgroupParent(parent, 2)
            elif kind == "cgroup" and "cpu" in options.split(",") and "cpu" in controllers.split(","):
                yield CgroupParent(folder, 1)


def _read_words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []
