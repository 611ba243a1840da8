"""The memory of a process and its descendants: measured, and limited as Lambda limits it.

The limit applies to pages that exist only in memory. It does not apply to pages of mapped files, such as an encoder's
weights, which the system can drop and read again, in Lambda's virtual machine as here; they count in the peak that the
REPORT line shows. It does not apply to files in ``/tmp`` either, which is on a disk in Lambda, even though it is in
memory here.
"""

from __future__ import annotations

import asyncio
import math
import re
from contextlib import suppress
from pathlib import Path

from spacy_lambda.local.process import ProcessTree

__all__ = ["MemoryWatch", "private_memory_mb"]

CHECK_S = 0.05
"""Seconds between two measurements: a process can exceed the limit for as long."""

_RESIDENT = re.compile(rb"^Rss(?:Anon|Shmem):\s+(\d+) kB", re.MULTILINE)
_OWN_SHARE = re.compile(rb"^Pss_Anon:\s+(\d+) kB", re.MULTILINE)
"""Of pages of several processes, each one's part."""

_SHARED_MAPPING = re.compile(
    rb"^[0-9a-f]+-[0-9a-f]+ .* (?:/dev/zero|/SYSV|/memfd:|/dev/shm/).*\n(?:[A-Z].*\n)*?Pss:\s+(\d+) kB", re.MULTILINE
)
"""Memory that processes share, as opposed to files of ``/tmp``."""


class MemoryWatch:
    """Kills a process that exceeds a limit together with its descendants.

    :param process: The process; without a ``/proc``, as on macOS, nothing is limited.
    :param limit_mb: The limit, or ``None``.
    """

    def __init__(self, process: ProcessTree, limit_mb: int | None) -> None:
        self._process = process
        self._limit_mb = limit_mb
        self.exceeded = False
        self._peak_mb = 0.0
        self._task = None if limit_mb is None else asyncio.create_task(self._watch(limit_mb))

    def stop(self) -> None:
        """Measure no more."""
        if self._task is not None:
            self._task.cancel()

    def peak_mb(self) -> int | None:
        """Return the peak so far, at most the limit; ``None`` if unknown.

        It is the process's own resident memory, or that of all without mapped files if this is more.
        """
        if self.exceeded:
            return self._limit_mb
        own = self._process.peak_memory_mb()
        peak = None if own is None else max(own, math.ceil(self._peak_mb))
        return peak if peak is None or self._limit_mb is None else min(peak, self._limit_mb)

    async def _watch(self, limit_mb: int) -> None:
        while not self._process.exited.done():
            self._peak_mb = max(self._peak_mb, private_memory_mb(self._process.supervisor_pid, above_mb=self._peak_mb))
            if self._peak_mb > limit_mb:
                self.exceeded = True
                await self._process.kill()
                return
            await asyncio.sleep(CHECK_S)


def private_memory_mb(supervisor_pid: int, *, above_mb: float = 0.0) -> float:
    """Return the memory of a process's descendants that is not of mapped files; 0 without a ``/proc``.

    Pages that several processes share count once; to see which these are takes the system milliseconds.

    :param supervisor_pid: The process, whose own memory does not count.
    :param above_mb: Where it is not above this, the result may be anything up to it.
    """
    processes, sizes, waiting = list[Path](), list[int](), _children(Path(f"/proc/{supervisor_pid}"))
    while waiting:
        process = Path(f"/proc/{waiting.pop()}")
        try:
            sizes += map(int, _RESIDENT.findall((process / "status").read_bytes()))
        except OSError:  # it has ended meanwhile
            continue
        waiting += _children(process)
        processes.append(process)
    resident_mb = sum(sizes) / 1024
    if resident_mb <= above_mb or not (any(sizes[1::2]) or len(processes) > 1):
        return resident_mb
    shares = list[int]()
    for process in processes:
        with suppress(OSError):
            shares += map(int, _OWN_SHARE.findall((process / "smaps_rollup").read_bytes()))
            shares += map(int, _SHARED_MAPPING.findall((process / "smaps").read_bytes()))
    return sum(shares) / 1024 if shares else resident_mb


def _children(process: Path) -> list[int]:
    """Return the children of a process, whichever of its threads has started them."""
    found = list[int]()
    with suppress(OSError):
        for thread in (process / "task").iterdir():
            found += map(int, (thread / "children").read_bytes().split())
    return found
