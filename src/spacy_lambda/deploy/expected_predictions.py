"""Comparison of a prediction with the one that a golden test expects, in words that quote no text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["TOLERANCE", "find_difference"]

TOLERANCE = 0.01
"""Difference of two scores that is ignored: files may round them, and CPUs compute their last digits differently."""

_NAMES = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


def find_difference(expected: Any, found: Any) -> str | None:
    """Describe the difference of two predictions, as JSON has them: labels and offsets, but no text.

    :returns: ``None`` if they are the same.
    """
    return None if _is_same(expected, found) else "; ".join(_differences(expected, found))


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        return _is_number(one) and _is_number(other) and math.isclose(one, other, abs_tol=TOLERANCE, rel_tol=0)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(type(one) is type(other) and one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _differences(expected: Any, found: Any) -> Iterator[str]:
    if isinstance(expected, list) and isinstance(found, list):
        if all(map(_is_span, (*expected, *found))):
            yield from _of_spans(expected, found)
        elif len(expected) != len(found):
            yield f"{len(found):,} items, not {len(expected):,}"
        else:
            for number, (one, other) in enumerate(zip(expected, found, strict=True), start=1):
                yield from (f"item {number}: {text}" for text in _of(one, other))
    elif isinstance(expected, dict) and isinstance(found, dict):
        for key in dict.fromkeys([*expected, *found]):
            if key not in found or key not in expected:
                yield f'"{key}" is {"unexpected" if key in found else "missing"}'
            else:
                yield from (f'"{key}": {text}' for text in _of(expected[key], found[key]))
    elif type(expected) is type(found) and isinstance(expected, str):
        yield "another string"
    elif _is_number(expected) and _is_number(found):
        yield f"{found:g}, not {expected:g}"
    else:
        yield f"{_kind(found)}, not {_kind(expected)}"


def _of(expected: Any, found: Any) -> Iterator[str]:
    return iter(()) if _is_same(expected, found) else _differences(expected, found)


def _of_spans(expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    missing = [one for one in expected if not any(_is_same(one, other) for other in found)]
    unexpected = [one for one in found if not any(_is_same(one, other) for other in expected)]
    for word, spans in (("missing", missing), ("unexpected", unexpected)):
        if spans:
            yield f"{word}: {', '.join(map(_span, spans))}"
    if {*map(_span, missing)} & {*map(_span, unexpected)}:
        yield "where a label and its offsets are the same, the text or another value differs"
    if not missing and not unexpected:
        yield "the same ones in another order or number"


def _is_span(value: Any) -> bool:
    return isinstance(value, dict) and {"start", "end"} <= value.keys()


def _span(value: Mapping[str, Any]) -> str:
    label = value.get("label", value.get("entity_group"))
    return f"{'' if label is None else f'{label} '}{value['start']}–{value['end']}"


def _kind(value: Any) -> str:
    return _NAMES.get(type(value), "a number")
