"""Differences of two values of JSON, and of two traces of a text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from spacy_lambda.compiler.doc_trace import CUSTOM, DocTrace
from spacy_lambda.errors import shorten

__all__ = ["ValueDifference", "differences", "first_not_finite", "trace_differences"]

TOLERANCE = 1e-3
"""Tolerance of numbers, relative and absolute: their last bits differ from one batch to another."""

MAX_LISTED = 2000


@dataclass(frozen=True)
class ValueDifference:
    """One place where two values differ.

    :param path: The keys that lead to it.
    """

    path: str
    original: Any
    compiled: Any

    def __str__(self) -> str:
        return f"{self.path} is {shorten(repr(self.compiled))}, not {shorten(repr(self.original))}"


def differences(original: Any, compiled: Any, path: str = "") -> Iterator[ValueDifference]:
    """Yield every place where two values of JSON differ; floats may differ by :data:`TOLERANCE`."""
    if isinstance(original, dict) and isinstance(compiled, dict):
        for key in sorted(original.keys() | compiled.keys()):
            where = f"{path}.{key}" if path else str(key)
            if key in original and key in compiled:
                yield from differences(original[key], compiled[key], where)
            elif not (str(key).startswith(CUSTOM) and key not in compiled):
                # Another pipeline of this process may have registered it; attributes that are set are in user_data.
                yield ValueDifference(where, original.get(key), compiled.get(key))
    elif isinstance(original, list | tuple) and isinstance(compiled, list | tuple):
        if len(original) != len(compiled):
            yield ValueDifference(path, original, compiled)
            return
        for number, (first, second) in enumerate(zip(original, compiled, strict=True)):
            yield from differences(first, second, f"{path}[{number}]")
    elif not _same(original, compiled):
        yield ValueDifference(path, original, compiled)


def trace_differences(original: DocTrace, compiled: DocTrace) -> list[tuple[str, ValueDifference]]:
    """Return the components that differ and their differences, in the pipeline's order."""
    found: list[tuple[str, ValueDifference]] = []
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for (name, changed), (_, other) in zip(original.steps, compiled.steps, strict=False):
        before |= changed
        after |= other
        # A kind that one side has not changed keeps its previous value.
        kinds = changed.keys() | other.keys()
        step = differences({kind: before.get(kind) for kind in kinds}, {kind: after.get(kind) for kind in kinds})
        found += [(name, one) for one in islice(step, MAX_LISTED)]
    return found


def first_not_finite(trace: DocTrace) -> str | None:
    """Return the first component that gives NaN or infinity."""
    for name, changed in trace.steps:
        if any(not math.isfinite(number) for number in _floats(changed)):
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
