"""Values of Arrow types <-> values that JSON holds.

=====================  ===================================================================
timestamp              ISO 8601, in UTC with ``Z`` if it has a time zone
date, time             ISO 8601
duration               whole number of the type's unit
decimal                string
binary                 base64
NaN, infinity          null
dictionary, extension  the value that it stands for
map                    list of pairs
=====================  ===================================================================

A date or time that is outside of the calendar is an error.
"""

from __future__ import annotations

import base64
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, cast

import pyarrow as pa
from pyarrow import types

__all__ = ["OutOfRangeError", "json_values", "plain_type", "repeated_field", "restored"]

Leaf = Callable[[pa.DataType], pa.DataType]
Change = Callable[[Any], Any]

ISO = re.compile(r"-?\d{4,5}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?|\d\d:\d\d:\d\d(\.\d+)?", re.ASCII)
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class OutOfRangeError(ValueError):
    """A date or time that is outside of the calendar."""


def json_values(column: pa.Array) -> list[Any]:
    """Return the values of a column as JSON holds them.

    :raises OutOfRangeError: If one is a date or time that is outside of the calendar.
    """
    column = _cast(column, plain_type(column.type))
    encode = _changed(column.type, _encoder)
    # In UTC and without a time zone, with which Arrow formats values that are out of range as other dates.
    column = _cast(column, _replaced(column.type, lambda leaf: pa.timestamp(leaf.unit) if _is_zoned(leaf) else leaf))
    values = _cast(column, _replaced(column.type, _readable)).to_pylist()
    return values if encode is None else list(map(encode, values))


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return a type without the encodings of dictionaries and extensions."""
    return _replaced(kind, lambda leaf: leaf)


def repeated_field(kind: pa.DataType) -> str | None:
    """Return the name of two fields of one struct in a type, or ``None``."""
    fields = [kind.field(number) for number in range(kind.num_fields)]
    if types.is_struct(kind):
        counts = Counter[str](field.name for field in fields)
        if twice := [name for name, count in counts.items() if count > 1]:
            return twice[0]
    return next((name for field in fields if (name := repeated_field(field.type)) is not None), None)


def restored(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return values that :func:`json_values` returned as a column of their type.

    :raises pyarrow.ArrowException: If they have another type.
    :raises ValueError: The same, as :class:`TypeError` and :class:`OverflowError` are.
    """
    decode = _changed(kind, _decoder)
    decoded = values if decode is None else list(map(decode, values))
    return _cast(pa.array(decoded, type=_replaced(kind, _writable)), kind)


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return column if column.type == kind else column.cast(kind)


def _replaced(kind: pa.DataType, change: Leaf) -> pa.DataType:
    """Return a type with its leaves replaced."""
    if isinstance(kind, pa.BaseExtensionType):
        return _replaced(kind.storage_type, change)
    if types.is_dictionary(kind):
        return _replaced(kind.value_type, change)
    if types.is_struct(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        return pa.struct([pa.field(field.name, _replaced(field.type, change)) for field in fields])
    if types.is_map(kind):
        return pa.map_(_replaced(kind.key_type, change), _replaced(kind.item_type, change))
    list_of = _list_of(kind)
    return change(kind) if list_of is None else list_of(_replaced(kind.value_type, change))


def _list_of(kind: pa.DataType) -> Leaf | None:
    """Return the function that makes such a list of another type; ``None`` if the type is not a list."""
    if types.is_fixed_size_list(kind):
        return lambda value: pa.list_(value, kind.list_size)
    if types.is_large_list(kind):
        return cast(Leaf, pa.large_list)
    return cast(Leaf, pa.list_) if types.is_list(kind) else None


def _changed(kind: pa.DataType, leaf: Callable[[pa.DataType], Change | None]) -> Change | None:
    """Return the function that changes the values of a type, or ``None`` if they stay as they are."""
    if types.is_struct(kind):
        fields = {field.name: _changed(field.type, leaf) for field in (kind.field(n) for n in range(kind.num_fields))}
        inner = {name: change for name, change in fields.items() if change is not None}
        if not inner:
            return None
        return _optional(lambda value: {key: inner[key](item) if key in inner else item for key, item in value.items()})
    if types.is_map(kind):
        key, item = (_changed(part, leaf) or _same for part in (kind.key_type, kind.item_type))
        return _optional(lambda value: [(key(one), item(other)) for one, other in value])
    if _list_of(kind) is not None:
        each = _changed(kind.value_type, leaf)
        return None if each is None else _optional(lambda value: list(map(each, value)))
    change = leaf(kind)
    return None if change is None else _optional(change)


def _optional(change: Change) -> Change:
    return lambda value: None if value is None else change(value)


def _same(value: Any) -> Any:
    return value


def _is_zoned(kind: pa.DataType) -> bool:
    return bool(types.is_timestamp(kind)) and kind.tz is not None


def _is_binary(kind: pa.DataType) -> bool:
    checks = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
    return any(check(kind) for check in checks)


def _readable(kind: pa.DataType) -> pa.DataType:
    """Return the type whose values Python reads without loss: its own datetime has no nanoseconds."""
    if types.is_timestamp(kind) or types.is_date(kind) or types.is_time(kind):
        return pa.string()
    return pa.int64() if types.is_duration(kind) else kind


def _writable(kind: pa.DataType) -> pa.DataType:
    """Return the type that decoded values have before they are cast."""
    if types.is_timestamp(kind) or types.is_date(kind) or types.is_decimal(kind):
        return pa.string()
    if types.is_time(kind):
        return pa.int32() if types.is_time32(kind) else pa.int64()
    if types.is_duration(kind):
        return pa.int64()
    return pa.binary() if _is_binary(kind) else kind


def _encoder(kind: pa.DataType) -> Change | None:
    if types.is_timestamp(kind) or types.is_date(kind) or types.is_time(kind):
        return lambda value: _iso(value, kind)
    if types.is_decimal(kind):
        return lambda value: f"{value:f}"
    if types.is_floating(kind):
        return lambda value: value if math.isfinite(value) else None
    return (lambda value: base64.b64encode(value).decode()) if _is_binary(kind) else None


def _iso(value: str, kind: pa.DataType) -> str:
    text = value.replace(" ", "T", 1)
    if ISO.fullmatch(text) is None:  # Arrow formats such values as garbage
        raise OutOfRangeError(f"a value of type {kind} is out of range")
    return f"{text}Z" if _is_zoned(kind) else text


def _decoder(kind: pa.DataType) -> Change | None:
    if types.is_time(kind):
        return lambda value: _time_units(value, UNITS[kind.unit])
    return (lambda value: base64.b64decode(value, validate=True)) if _is_binary(kind) else None


def _time_units(value: str, second: int) -> int:
    """Return a time of day as a number of units."""
    hours, minutes, seconds = value.split(":")
    whole, _, fraction = seconds.partition(".")
    digits = len(str(second)) - 1
    return ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * second + int(fraction.ljust(digits, "0") or "0")
