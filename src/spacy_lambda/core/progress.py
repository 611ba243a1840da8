"""The form in which every long step reports its progress."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["OnStep", "no_progress"]

OnStep = Callable[[str, int, int], None]
"""Called as ``on_step(step, done, total)``: the step's name in a word or two (``loading``, ``quantizing``), the units
that are done and the units in all. A step begins with ``done == 0`` or its first unit, ends with ``done == total``,
and its unit is its own: items, wordpieces or bytes. A total of 0 is unknown."""


def no_progress(step: str, done: int, total: int) -> None:
    """Ignore progress: the default of every ``on_step``."""
