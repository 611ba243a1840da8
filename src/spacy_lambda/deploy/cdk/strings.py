"""Every string of a spec, before any of it becomes part of a template.

The project's file is checked where it is read, with the place of each fault. Here nothing is taken on trust: what a
pipeline calls its labels and itself comes to a spec from elsewhere, and so does what an ejected app or another program
writes into one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from spacy_lambda.config.literal_text import LINES, complaint, key_complaint, pattern_complaint
from spacy_lambda.core.lambda_limits import ENVIRONMENT_BYTES
from spacy_lambda.deploy.spec import FunctionSpec, SharedSpec
from spacy_lambda.errors import DeployError

__all__ = ["check_strings"]

SEVERAL_LINES = ("environment",)

REMEDIES = {
    "labels": "rename the label in the pipeline, or write metrics = false: only its metrics name labels",
    "pipeline": "rename the pipeline (name and version in its meta.json), or write another location",
    "environment": "write another value; a function can look such a value up when it starts",
}


def check_strings(spec: FunctionSpec | SharedSpec) -> None:
    """Refuse a spec with a string that a template would not take for itself.

    :raises DeployError: With the first of them, and where it is.
    """
    for where, what in _wrong(spec, ""):
        first = where.partition(".")[0].partition("[")[0]
        name = spec.name if isinstance(spec, FunctionSpec) else spec.project
        raise DeployError(
            f"{where} of {name!r} {what}, and cannot be part of a template",
            remedy=REMEDIES.get(first, "write another value into the project's file"),
        )


def _wrong(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if is_dataclass(value):
        for field in fields(value):
            yield from _wrong(getattr(value, field.name), f"{where}.{field.name}".lstrip("."))
        if isinstance(value, FunctionSpec):
            yield from _too_much(value)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _told(f"{where}.{key!r}", key_complaint(str(key)))
            yield from _wrong(one, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _wrong(one, f"{where}[{number}]")
    elif value is not None and not isinstance(value, bool | int | float):
        allowed = LINES if where.startswith(SEVERAL_LINES) else ""
        yield from _told(where, complaint(str(value), allowed=allowed))
        if where == "pipeline":
            yield from _told(where, pattern_complaint(str(value).partition("://")[2].partition("#")[0]))


def _told(where: str, what: str | None) -> Iterator[tuple[str, str]]:
    if what is not None:
        yield where, what


def _too_much(spec: FunctionSpec) -> Iterator[tuple[str, str]]:
    size = sum(len(f"{name}{value}".encode("utf-8", "replace")) for name, value in spec.environment.items())
    size += len((spec.pipeline or "").encode("utf-8", "replace"))
    if size > ENVIRONMENT_BYTES:
        yield "environment", f"has {size:,} bytes; Lambda takes {ENVIRONMENT_BYTES:,}"
