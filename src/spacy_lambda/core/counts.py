"""Numbers of things, in words."""

from __future__ import annotations

__all__ = ["count"]


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: ``1 text``, ``1,200 texts``.

    :param plural: The noun's plural, unless it ends in ``s`` alone.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
