"""The init of this execution environment: its type and its duration."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from spacy_lambda.core.env_names import INITIALIZATION_TYPE_VARIABLE

__all__ = ["is_cold", "process_age_s"]

_STAT = Path("/proc/self/stat")
_START_FIELD = 19
"""Place of ``starttime`` after the command's name; see proc(5)."""


def process_age_s() -> float:
    """Return the seconds since this process was started; at the end of init, the duration of init.

    Zero if the system does not report it.
    """
    try:
        fields = _STAT.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        started = int(fields[_START_FIELD]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


def is_cold(environ: Mapping[str, str]) -> bool:
    """Return whether the first caller of this environment waits for its init.

    With SnapStart and provisioned concurrency, init is over before anyone calls.
    """
    return environ.get(INITIALIZATION_TYPE_VARIABLE, "on-demand") == "on-demand"
