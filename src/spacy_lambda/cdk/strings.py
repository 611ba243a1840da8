"""Check of every string of a spec, before any of it becomes part of a template.

The project's file is checked where it is read, with the place of each fault. A spec has strings from elsewhere too: a
pipeline's name and labels, and values of an ejected app or of another program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from ..core.lambda_limits import ENVIRONMENT_BYTES
from .literal_text import MULTILINE_CONTROLS, key_problem, pattern_problem, text_problem
from .spec import FunctionSpec, SharedSpec, SpecError

__all__ = ["check_strings"]

SEVERAL_LINES = ("environment", "examples")
REMEDIES = {
    "labels": "rename the label in the pipeline, or write metrics = false: only its metrics name labels",
    "pipeline": "rename the pipeline (name and version in its meta.json), or write another location",
    "environment": "write another value; a function can look such a value up when it starts",
}

Found = Iterator[tuple[str, str]]
"""Places of strings, and the problem of each."""


def check_strings(spec: FunctionSpec | SharedSpec) -> None:
    """Check that a template takes every string of a spec literally.

    :raises SpecError: For the first that it does not, with its place.
    """
    for where, what in _problems(_parts(spec), ""):
        first = where.partition(".")[0].partition("[")[0]
        name = spec.name if isinstance(spec, FunctionSpec) else spec.project
        raise SpecError(
            f"{where} of {name!r} {what}, and cannot be part of a template",
            remedy=REMEDIES.get(first, "write another value into the project's file"),
        )


def _parts(spec: FunctionSpec | SharedSpec) -> dict[str, Any]:
    """Return the values of a spec by their names; its ``pipeline`` takes the place of its configuration's."""
    parts = _fields(spec)
    return {**_fields(parts.pop("config")), **parts} if isinstance(spec, FunctionSpec) else parts


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _problems(parts: Mapping[str, Any], prefix: str) -> Found:
    for name, value in parts.items():
        yield from _value_problems(value, f"{prefix}{name}")
    if "environment" in parts:
        yield from _size_problem(parts["environment"], parts["pipeline"] or "")


def _value_problems(value: Any, where: str) -> Found:
    if is_dataclass(value):
        yield from _problems(_fields(value), f"{where}.")
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _problem_at(f"{where}.{key!r}", key_problem(str(key)))
            yield from _value_problems(one, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _value_problems(one, f"{where}[{number}]")
    elif value is not None and not isinstance(value, bool | int | float):
        allowed = MULTILINE_CONTROLS if where.startswith(SEVERAL_LINES) else ""
        yield from _problem_at(where, text_problem(str(value), allowed=allowed))
        if where == "pipeline":
            yield from _problem_at(where, pattern_problem(str(value).partition("://")[2].partition("#")[0]))


def _problem_at(where: str, what: str | None) -> Found:
    if what is not None:
        yield where, what


def _size_problem(environment: Mapping[str, str], pipeline: str) -> Found:
    strings = [pipeline, *(f"{name}{value}" for name, value in environment.items())]
    size = sum(len(one.encode("utf-8", "replace")) for one in strings)
    if size > ENVIRONMENT_BYTES:
        yield "environment", f"has {size:,} bytes; Lambda takes {ENVIRONMENT_BYTES:,}"
