"""Where two plain values differ, and where two pipelines say something else of a text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from spacy_lambda.compiler.snapshot import CUSTOM, Told

__all__ = ["Difference", "differences", "not_finite", "told_differently"]

TOLERANCE = 1e-3
"""Of numbers: scores and vectors differ in their last bits from one product of matrices to the other."""

LISTED = 2000
SHOWN = 60


@dataclass(frozen=True)
class Difference:
    """One place where two values differ.

    :param path: The keys that lead there.
    """

    path: str
    original: Any
    compiled: Any

    def __str__(self) -> str:
        return f"{self.path} is {_short(self.compiled)}, not {_short(self.original)}"


def differences(original: Any, compiled: Any, path: str = "") -> Iterator[Difference]:
    """Every place where two values of JSON differ; numbers that are not whole may differ a little."""
    if isinstance(original, dict) and isinstance(compiled, dict):
        for key in sorted(original.keys() | compiled.keys()):
            where = f"{path}.{key}" if path else str(key)
            if key in original and key in compiled:
                yield from differences(original[key], compiled[key], where)
            elif not (str(key).startswith(CUSTOM) and key not in compiled):
                # Custom attributes may belong to other pipelines of this process; what is set is in user_data too.
                yield Difference(where, original.get(key), compiled.get(key))
    elif isinstance(original, list | tuple) and isinstance(compiled, list | tuple):
        if len(original) != len(compiled):
            yield Difference(path, original, compiled)
            return
        for number, (first, second) in enumerate(zip(original, compiled, strict=True)):
            yield from differences(first, second, f"{path}[{number}]")
    elif not _same(original, compiled):
        yield Difference(path, original, compiled)


def told_differently(original: Told, compiled: Told) -> list[tuple[str, Difference]]:
    """What the components say differently, the first of them first."""
    found: list[tuple[str, Difference]] = []
    names = {name for name, _ in original.steps}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for (name, said), (_, other) in zip(original.steps, compiled.steps, strict=False):
        before |= said
        after |= other
        # What one side did not change it still says.
        keys = said.keys() | other.keys()
        step = differences({key: before.get(key) for key in keys}, {key: after.get(key) for key in keys})
        found += [(name, one) for one in islice(step, LISTED)]
    return found if names else []


def not_finite(told: Told) -> str | None:
    """The first component that says a number which is none."""
    for name, said in told.steps:
        if any(not math.isfinite(number) for number in _floats(said)):
            return f"component {name!r}"
    return None


def _floats(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _floats(item)


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, float) or isinstance(second, float):
        if not (isinstance(first, float | int) and isinstance(second, float | int)):
            return False
        if math.isnan(first) or math.isnan(second):
            return math.isnan(first) and math.isnan(second)
        return math.isclose(first, second, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(first) is type(second) and bool(first == second)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
