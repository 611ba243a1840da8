"""Comparison of a prediction with the one that a golden test expects, in words that quote no text.

Entities are compared in any order, and by what is given of each: all values of a prediction's object or some of them,
``[text, label]``, or ``[start, end, label]``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spacy_lambda.core.counts import count

__all__ = ["TOLERANCE", "find_difference", "is_expected_entity"]

TOLERANCE = 0.01
"""Difference of two scores that is ignored: files may round them, and CPUs compute their last digits differently."""

_IDENTIFYING = ({"start", "end"}, {"text", "label"}, {"word", "entity_group"})
"""Keys of which an expected entity has at least those of one set."""

_NAMES = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


def find_difference(expected: Any, found: Any) -> str | None:
    """Describe the difference of two predictions, as JSON has them: labels and offsets, but no text.

    :returns: ``None`` if they are the same.
    """
    return "; ".join(_describe(expected, found)) or None


def is_expected_entity(value: Any) -> bool:
    """Return whether a value, as JSON has it, is an entity in one of the forms in which it can be expected."""
    if isinstance(value, dict):
        return any(keys <= value.keys() for keys in _IDENTIFYING)
    return isinstance(value, list) and [*map(type, value)] in ([str, str], [int, int, str])


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
        if all(map(is_expected_entity, expected)) and all(map(_is_span, found)):
            yield from _span_differences(expected, found)
        elif len(expected) != len(found):
            yield f"{count(len(found), 'item')}, not {len(expected):,}"
        else:
            for number, (one, other) in enumerate(zip(expected, found, strict=True), start=1):
                yield from (f"item {number}: {text}" for text in _describe(one, other))
    elif isinstance(expected, dict) and isinstance(found, dict):
        for key in dict.fromkeys([*expected, *found]):
            if key not in found or key not in expected:
                yield f'"{key}" is {"unexpected" if key in found else "missing"}'
            else:
                yield from (f'"{key}": {text}' for text in _describe(expected[key], found[key]))
    elif type(expected) is type(found) and isinstance(expected, str):
        yield "another string"
    elif _is_number(expected) and _is_number(found):
        yield f"{found:g}, not {expected:g}"
    else:
        yield f"{_kind(found)}, not {_kind(expected)}"


def _describe(expected: Any, found: Any) -> Iterator[str]:
    return iter(()) if _is_same(expected, found) else _differences(expected, found)


def _span_differences(expected: Sequence[Any], found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    unexpected, missing = list(found), dict[int, Any]()
    # What is given in full comes first: less may fit several.
    for number, one in sorted(enumerate(expected, start=1), key=lambda numbered: -len(numbered[1])):
        fitting = next((index for index, other in enumerate(unexpected) if _fits(one, other)), None)
        if fitting is None:
            missing[number] = one
        else:
            del unexpected[fitting]
    lacking = [_expected_span(missing[number], number) for number in sorted(missing)]
    for word, spans in (("missing", lacking), ("unexpected", [*map(_span, unexpected)])):
        if spans:
            yield f"{word}: {', '.join(spans)}"
    if {*lacking} & {*map(_span, unexpected)}:
        yield "where a label and its offsets are the same, the text or another value differs"


def _fits(expected: Any, found: Mapping[str, Any]) -> bool:
    """Return whether a span has what is expected of it."""
    if isinstance(expected, dict):
        return all(key in found and _is_same(value, found[key]) for key, value in expected.items())
    label = found.get("label", found.get("entity_group"))
    text, start, end = found.get("text", found.get("word")), found["start"], found["end"]
    return expected in ([text, label], [start, end, label])


def _is_span(value: Any) -> bool:
    return isinstance(value, dict) and {"start", "end"} <= value.keys()


def _span(value: Mapping[str, Any]) -> str:
    label = value.get("label", value.get("entity_group"))
    return f"{'' if label is None else f'{label} '}{value['start']}–{value['end']}"


def _expected_span(value: Any, number: int) -> str:
    """Describe an expected entity without its text.

    :param number: Its number, which stands for the offsets if it has none.
    """
    if isinstance(value, list):
        value = dict(zip(("start", "end", "label") if len(value) == 3 else ("text", "label"), value, strict=True))
    return _span(value) if _is_span(value) else f"{value.get('label', value.get('entity_group'))} (item {number})"


def _kind(value: Any) -> str:
    return _NAMES.get(type(value), "a number")
