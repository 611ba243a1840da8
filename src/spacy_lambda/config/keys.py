"""Keys of ``spacy-lambda.toml``, derived from the dataclasses: names, types, defaults, choices and descriptions.

The validation, the file that ``init`` writes and the reference in ``docs/configuration.md`` are made of them. A new key
is a field of :class:`FunctionConfig`, :class:`Project`, :class:`BulkConfig` or an event source's configuration with its
``:param``, and an entry in :data:`EXAMPLES` if its default cannot be written; a limit of its value is a rule in
:mod:`~spacy_lambda.config.rules`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from spacy_lambda.cdk.bulk_settings import BulkConfig
from spacy_lambda.cdk.source_settings import SOURCE_KINDS
from spacy_lambda.config.project import FunctionConfig, Project

__all__ = ["TABLES", "Key", "Kind", "bulk_keys", "function_keys", "project_keys", "source_keys"]

Kind = Literal[
    "string",
    "integer",
    'integer or "unlimited"',
    "number",
    "boolean",
    "array of strings",
    "array of tables",
    "table",
    "table of strings",
]
TABLES: tuple[Kind, ...] = ("table of strings", "array of tables", "table")
"""Kinds of keys that have a header of their own in TOML."""

KINDS: dict[Any, Kind] = {
    str: "string",
    Path: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    Union: 'integer or "unlimited"',
    tuple[str, ...]: "array of strings",
    tuple: "array of tables",
    Mapping: "table of strings",
    BulkConfig: "table",
}
EXAMPLES = {
    "name": '"papers"',
    "region": '"eu-central-1"',
    "pipeline": '"./compiled"',
    "account": '"123456789012"',
    "tags": 'team = "nlp"',
    "signed_by": '"key.pub"',
    "concurrency": "10",
    "alarm_email": '"oncall@example.org"',
    "alarm_empty_percentage": "60",
    "budget": "20",
    "golden": '"golden.jsonl"',
    "environment": 'KEY = "value"',
    "sources": 'kind = "schedule"\nschedule_expression = "rate(4 minutes)"',
    "bulk": "max_concurrency = 10",
    "location": '"s3://papers-corpora/ner"',
    "max_concurrency": "10",
    "tolerated_failure_count": "10",
    "maximum_concurrency": "10",
    "kms_key": '"arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"',
    "input": '\'{"text": "..."}\'',
}
PARAM = re.compile(r"^:param (\w+): (.*?)\.?$(?=\n:param|\s*\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Key:
    """One key.

    :param name: Its name in the file and in the dataclass.
    :param kind: Type of its values in TOML.
    :param type: Type of its values in the dataclass, without ``None``.
    :param default: Value if the key is left out; ``None`` also if there is none.
    :param required: The key cannot be left out.
    :param choices: All supported values, if they are enumerated.
    :param description: One line.
    :param example: A value in TOML, if the default cannot be written.
    """

    name: str
    kind: Kind
    type: Any
    default: Any
    required: bool
    choices: tuple[str, ...]
    description: str
    example: str | None


@cache
def project_keys() -> dict[str, Key]:
    """Return the keys of ``[project]``."""
    return {key.name: key for key in _keys(Project, except_for=("functions", "folder"))}


@cache
def function_keys() -> dict[str, Key]:
    """Return the keys of ``[functions.NAME]``; the function's name is the table's."""
    return {key.name: key for key in _keys(FunctionConfig, except_for=("name",))}


@cache
def bulk_keys() -> dict[str, Key]:
    """Return the keys of ``[functions.NAME.bulk]``."""
    return {key.name: key for key in _keys(BulkConfig, except_for=())}


@cache
def source_keys(kind: str) -> dict[str, Key]:
    """Return the keys of ``[[functions.NAME.sources]]`` beside ``kind``.

    :param kind: Its value: a key of :data:`~spacy_lambda.cdk.source_settings.SOURCE_KINDS`.
    """
    return {key.name: key for key in _keys(SOURCE_KINDS[kind], except_for=("kind",))}


def _keys(model: type[Any], *, except_for: tuple[str, ...]) -> Iterator[Key]:
    hints = get_type_hints(model)
    # There are no docstrings under python -OO.
    descriptions = {name: " ".join(text.split()) for name, text in PARAM.findall(inspect.getdoc(model) or "")}
    for field in fields(model):
        if field.name in except_for:
            continue
        default = field.default if field.default_factory is MISSING else field.default_factory()
        plain = _without_none(hints[field.name])
        yield Key(
            name=field.name,
            kind="string" if get_origin(plain) is Literal else _kind(plain),
            type=plain,
            default=None if default is MISSING else default,
            required=default is MISSING,
            choices=get_args(plain) if get_origin(plain) is Literal else (),
            description=descriptions.get(field.name, "").replace("``", '"'),
            example=EXAMPLES.get(field.name),
        )


def _kind(plain: Any) -> Kind:
    return KINDS[plain] if plain in KINDS else KINDS[get_origin(plain)]


def _without_none(hint: Any) -> Any:
    if get_origin(hint) not in (Union, UnionType):
        return hint
    return Union[tuple(one for one in get_args(hint) if one is not NoneType)]  # noqa: UP007
