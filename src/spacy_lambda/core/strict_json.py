"""JSON from outside, read more strictly than :mod:`json` does.

``json`` accepts infinite numbers, which RFC 8259 forbids; lone surrogates and duplicate keys, which I-JSON (RFC 7493)
forbids; and a nesting that ends in ``RecursionError``. :func:`read_json` is for records, pointers, manifests and
``meta.json``; :func:`parse_json`, which is less strict, for requests, responses and files that people write.
"""

from __future__ import annotations

import codecs
import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

from spacy_lambda.errors import JsonError

__all__ = ["MAX_DEPTH", "MAX_VALUE_DEPTH", "check_fields", "parse_json", "read_json"]

MAX_DEPTH = 32
"""Maximum nesting of arrays and objects. Recursive code, such as ``dataclasses.asdict``, handles some hundred."""

MAX_VALUE_DEPTH = 100
"""The same for :func:`parse_json`."""

MAX_INTEGER = 2**64
"""The largest that spaCy's hashes need."""

MAX_INTEGER_DIGITS = len(str(MAX_INTEGER)) + 1
MAX_OPENED = 250_000
"""Maximum number of arrays and objects: an empty one takes 60 bytes of memory for two in the text."""

REMEDY = "fetch it again; if the error remains, write it again at its source"


def read_json(data: bytes, *, name: str, max_bytes: int) -> Any:
    """Read JSON as I-JSON (RFC 7493) restricts it: UTF-8, finite numbers, unique keys; and nested to a limit.

    :param name: Its name in errors.
    :param max_bytes: Maximum size.
    :raises JsonError: If it is invalid.
    """
    if len(data) > max_bytes:
        raise JsonError(f"{name} has more than {max_bytes:,} bytes, the limit", remedy=REMEDY)
    if data.count(b"[") + data.count(b"{") > MAX_OPENED:
        raise JsonError(f"{name} has more than {MAX_OPENED:,} arrays and objects, the limit", remedy=REMEDY)
    if data.startswith(codecs.BOM_UTF8):
        raise JsonError(f"{name} begins with a byte order mark", remedy="save it as UTF-8 without one")
    try:
        content = json.loads(
            data.decode("utf-8", "strict"),
            object_pairs_hook=_object,
            parse_constant=_Refused,
            parse_float=_float,
            parse_int=_integer,
        )
        _check(content)
    except (ValueError, RecursionError) as exc:
        from spacy_lambda.core.foreign_errors import system_reason

        why = "it is nested too deeply" if isinstance(exc, RecursionError) else system_reason(exc)
        raise JsonError(f"{name} cannot be read as JSON: {why}", remedy=REMEDY) from exc
    return content


def parse_json(data: str | bytes, *, nan_is_null: bool = False, unique_keys: bool = False) -> Any:
    """Parse JSON: UTF-8, finite numbers, limited nesting.

    :param nan_is_null: Read NaN and infinite numbers, which Python writes, as ``None``.
    :param unique_keys: Refuse an object that has a key twice.
    :raises ValueError: If it is invalid; never :class:`RecursionError`.
    """
    text = (data if isinstance(data, str) else data.decode("utf-8", "strict")).removeprefix("\ufeff")
    try:
        value = json.loads(
            text,
            parse_constant=_null if nan_is_null else _constant,
            parse_float=_float_or_null if nan_is_null else _float,
            object_pairs_hook=_unique if unique_keys else None,
        )
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError:
        raise
    except ValueError as exc:
        from spacy_lambda.core.foreign_errors import value_reason

        raise ValueError(value_reason(exc)) from None
    if text.count("[") + text.count("{") > MAX_VALUE_DEPTH:
        _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_VALUE_DEPTH + 1):
        if not level:
            return
        level = [
            item
            for holder in level
            if isinstance(holder, list | dict)
            for item in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(item, list | dict)
        ]
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError(f"it is nested more than {MAX_VALUE_DEPTH} deep")


def check_fields(content: Any, fields: Mapping[str, type], *, name: str) -> dict[str, Any]:
    """Return an object that has exactly these keys, with values of exactly these types: ``true`` is not a number.

    :raises JsonError: If it is not.
    """
    if type(content) is not dict:
        raise JsonError(f"{name} is of type {type(content).__name__}, not an object", remedy=REMEDY)
    for key in sorted(content.keys() ^ fields.keys()):
        state = "is missing" if key in fields else "is an unknown key"
        raise JsonError(f"{name}: {key[:100]!a} {state}", remedy=REMEDY)
    for key, kind in fields.items():
        if type(content[key]) is not kind:
            found = type(content[key]).__name__
            raise JsonError(f"{name}: {key!a} is of type {found}, not {kind.__name__}", remedy=REMEDY)
    return content


class _Refused:
    """A placeholder for NaN or an infinite number, until its object is read and the error can name the key."""

    def __init__(self, name: str) -> None:
        self.why = f"{name} is not a JSON number"


def _refused(value: Any) -> _Refused | None:
    """Return the first one in a value or in its lists; objects in it were searched before."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, _Refused):
            return one
        if isinstance(one, list):
            waiting += reversed(one)
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, value in pairs:
        if (refused := _refused(value)) is not None:
            raise ValueError(f"{key[:100]!a}: {refused.why}")
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("duplicate key")
    return content


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _null(name: str) -> None:
    return None


def _float_or_null(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise ValueError(f"the key {twice[:100]!r} occurs twice")
    return content


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _integer(text: str) -> int:
    if len(text) > MAX_INTEGER_DIGITS or abs(number := int(text)) > MAX_INTEGER:
        raise ValueError("a number is too large")
    return number


def _check(content: Any) -> None:
    """Check depth and strings, without recursion.

    :raises ValueError: If it is nested too deeply, or a string has a lone surrogate.
    """
    level: list[Any] = [content]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for one in level:
            if isinstance(one, str):
                one.encode("utf-8", "strict")
            elif isinstance(one, _Refused):
                raise ValueError(one.why)
            elif isinstance(one, list):
                below += one
            elif isinstance(one, dict):
                below += [*one.keys(), *one.values()]
        if not below:
            return
        level = below
    raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
