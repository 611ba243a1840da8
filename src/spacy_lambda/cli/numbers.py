"""Numbers of options, beyond what typer checks."""

from __future__ import annotations

import math

import typer

__all__ = ["finite"]


def finite(value: float | None) -> float | None:
    """A callback of options: ``nan`` is neither below a minimum nor above a maximum, and so passes as both.

    :raises typer.BadParameter: For what is not a finite number.
    """
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number")
    return value
