"""The REPORT line, with the figures of an invocation: written and read."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_FIGURE = re.compile(r"\t(?P<name>[A-Z][A-Za-z ]+): (?P<value>[^\t\n]+)")
_REQUEST_ID = re.compile(r"REPORT RequestId: (?P<id>\S+)")


@dataclass(frozen=True, kw_only=True)
class Report:
    """The figures of one invocation.

    :param request_id: The invocation's id.
    :param duration_ms: From handing out the event until the response had arrived completely.
    :param memory_size_mb: The memory that the function is configured with.
    :param max_memory_mb: Peak resident memory of the environment so far; ``None`` if unknown.
    :param init_ms: From the start of the process until it requested work; only in its first invocation.
    :param restore_ms: With SnapStart, from the restore until the runtime requested work; only in its first invocation.
    :param status: ``error`` or ``timeout``; ``None`` for a success.
    """

    request_id: str
    duration_ms: float
    memory_size_mb: int
    max_memory_mb: int | None = None
    init_ms: float | None = None
    restore_ms: float | None = None
    status: str | None = None

    @property
    def billed_ms(self) -> int:
        """Whole milliseconds that Lambda would bill; since August 2025 these include the init."""
        return math.ceil(round(self.duration_ms + (self.init_ms or 0.0), 2))

    def __str__(self) -> str:
        """Return the line, as Lambda writes it."""
        parts = [
            f"REPORT RequestId: {self.request_id}",
            f"Duration: {self.duration_ms:.2f} ms",
            f"Billed Duration: {self.billed_ms} ms",
            f"Memory Size: {self.memory_size_mb} MB",
        ]
        if self.max_memory_mb is not None:
            parts.append(f"Max Memory Used: {self.max_memory_mb} MB")
        if self.init_ms is not None:
            parts.append(f"Init Duration: {self.init_ms:.2f} ms")
        if self.restore_ms is not None:
            parts.append(f"Restore Duration: {self.restore_ms:.2f} ms")
            parts.append(f"Billed Restore Duration: {math.ceil(round(self.restore_ms, 2))} ms")
        if self.status is not None:
            parts.append(f"Status: {self.status}")
        return "\t".join(parts)


def parse_report(log: str) -> Report | None:
    """Read the last REPORT line of a log.

    :param log: A log, or its tail.
    :returns: The figures, or ``None`` if there is no complete REPORT line.
    """
    for line in reversed(log.splitlines()):
        match = _REQUEST_ID.match(line)
        if match:
            return _from_figures(match["id"], {m["name"]: m["value"] for m in _FIGURE.finditer(line)})
    return None


def _from_figures(request_id: str, figures: dict[str, str]) -> Report | None:
    if not {"Duration", "Memory Size"} <= figures.keys():
        return None
    memory = figures.get("Max Memory Used")
    init, restore = figures.get("Init Duration"), figures.get("Restore Duration")
    return Report(
        request_id=request_id,
        duration_ms=_number(figures["Duration"]),
        memory_size_mb=int(_number(figures["Memory Size"])),
        max_memory_mb=None if memory is None else int(_number(memory)),
        init_ms=None if init is None else _number(init),
        restore_ms=None if restore is None else _number(restore),
        status=figures.get("Status"),
    )


def _number(figure: str) -> float:
    """Return the number of a figure such as ``12.34 ms``."""
    return float(figure.split(maxsplit=1)[0])
