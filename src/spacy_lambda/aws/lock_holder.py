"""The process that holds a lock in S3: what the lock has of it, and whether it has ended."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["has_ended", "this_process"]


def this_process() -> dict[str, str]:
    """Return what a lock has of the process that takes it."""
    return {"pid": str(os.getpid()), "host": platform.node(), "machine": _machine()}


def has_ended(holder: Mapping[str, Any]) -> bool:
    """Return whether the process that took a lock ran on this machine, and is gone; ``False`` if that is unknown."""
    if not holder.get("machine") or holder["machine"] != _machine():
        return False
    try:
        os.kill(int(holder["pid"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError, KeyError, TypeError, ValueError):
        return False
    return False


def _machine() -> str:
    """Return a name of all processes that this one can see: the same one after a restart or in a container is another.

    Empty where the system has none.
    """
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""
