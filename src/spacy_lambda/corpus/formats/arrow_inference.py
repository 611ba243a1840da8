"""JSON values -> the Arrow type that holds them all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa

__all__ = ["MAX_FIELDS", "SeenValues", "clean"]

MAX_FIELDS = 200
"""Maximum fields of a struct; objects with more different keys are held as JSON."""

MAX_DEPTH = 40
"""Maximum nesting of lists and structs; what is below is held as JSON. Readers refuse more than 49 lists."""

EXACT = 2**53
"""Whole numbers up to this one are exact as floating point."""


class SeenValues:
    """The values of a column, or of a part of it, as far as they have been seen.

    Objects are structs, arrays are lists. Values of different types, those that have no type in Parquet, and those that
    are nested too deeply are held as JSON.

    :param depth: Lists and structs that the values are in.
    """

    def __init__(self, depth: int = 0) -> None:
        self._depth = depth
        self._kinds: set[type] = set()
        self._low = self._high = 0
        self._item: SeenValues | None = None
        self._fields: dict[str, SeenValues] = {}
        self._has_many_fields = False

    def add(self, value: Any) -> None:
        """See a value."""
        if value is None:
            return
        kind = type(value)
        self._kinds.add(kind)
        if kind is int:
            self._low, self._high = min(self._low, value), max(self._high, value)
        elif self._depth == MAX_DEPTH:
            return
        elif kind is list:
            self._item = self._item or SeenValues(self._depth + 1)
            for one in value:
                self._item.add(one)
        elif kind is dict and not self._has_many_fields:
            for key, one in value.items():
                self._fields.setdefault(key, SeenValues(self._depth + 1)).add(one)
            if len(self._fields) > MAX_FIELDS:
                self._fields, self._has_many_fields = {}, True

    @property
    def type(self) -> pa.DataType:
        """The type."""
        if not self._kinds:
            return pa.null()
        if self._kinds <= {int, float}:
            return self._number()
        if self._kinds == {list} and self._item is not None:
            return pa.list_(self._item.type)
        if self._kinds == {dict} and self._fields and all(map(_is_valid, self._fields)):
            return pa.struct([pa.field(name, seen.type) for name, seen in self._fields.items()])
        return pa.bool_() if self._kinds == {bool} else pa.string()

    def _number(self) -> pa.DataType:
        """Return the type that holds the numbers exactly, a string if there is none."""
        if self._kinds == {float} or (float in self._kinds and max(-self._low, self._high) <= EXACT):
            return pa.float64()
        if float in self._kinds or self._low < -(2**63) or self._high >= (2**64 if self._low >= 0 else 2**63):
            return pa.string()
        return pa.int64() if self._high < 2**63 else pa.uint64()

    def encoder(self) -> Callable[[Any], Any] | None:
        """Return the function that prepares values for the type, or ``None`` if it is not necessary."""
        kind = self.type
        if pa.types.is_string(kind) and self._kinds != {str}:
            return lambda value: None if value is None else _json(value)
        if pa.types.is_list(kind) and self._item is not None:
            each = self._item.encoder()
            return None if each is None else lambda value: None if value is None else [each(one) for one in value]
        if pa.types.is_struct(kind):
            fields = {name: seen.encoder() for name, seen in self._fields.items()}
            inner = {name: encode for name, encode in fields.items() if encode is not None}
            if inner:
                return lambda value: (
                    None
                    if value is None
                    else {key: inner[key](one) if key in inner else one for key, one in value.items()}
                )
        return None


def _json(value: Any) -> str:
    """Return a value as JSON; a lone surrogate is its escape, as in JSON Lines."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")


def _is_valid(name: str) -> bool:
    return name == clean(name) and "\0" not in name


def clean(value: Any) -> Any:
    """Return a value with U+FFFD in place of lone surrogates, which UTF-8 cannot hold."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, tuple):  # a key of a map, and its value
        return tuple(clean(one) for one in value)
    if isinstance(value, list):
        return [clean(one) for one in value]
    return {clean(key): clean(one) for key, one in value.items()} if isinstance(value, dict) else value
