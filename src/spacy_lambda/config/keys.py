"""The keys of ``spacy-lambda.toml``. Names, types, defaults and choices are the model's, and written nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from spacy_lambda.config.project import PUBLIC_CONCURRENCY, FunctionConfig, Project
from spacy_lambda.core.lambda_limits import MB_PER_VCPU

__all__ = ["Key", "Kind", "function_keys", "project_keys"]

Kind = Literal[
    "string",
    "whole number",
    'whole number or "unlimited"',
    "number",
    "boolean",
    "list of strings",
    "table of strings",
]

REMARKS = {
    "name": "stacks, functions and the bucket begin with it",
    "region": "where all of it is; or say it by --region or AWS_REGION",
    "account": "the only account into which it may be deployed",
    "tags": "of every resource",
    "pipeline": "a folder (relative to the file), a package, s3://... or hf://...",
    "signed_by": "public key of who must have signed it in its store",
    "shape": "auto takes a zip where it fits, else an image",
    "memory": f"MB; {MB_PER_VCPU:,} MB are one CPU",
    "timeout": "seconds",
    "architecture": "as Lambda calls it",
    "python": "Lambda's Python",
    "concurrency": f'environments reserved for it, and at most; if unset, {PUBLIC_CONCURRENCY} with auth = "none"',
    "snapstart": "publish versions with a snapshot of their init, which costs",
    "auth": "who may call the URL: whoever has the permission, or everybody",
    "cors": "origins whose pages may call the URL",
    "page": "whether the URL has the page",
    "metrics": "whether the function tells metrics",
    "tracing": "whether X-Ray traces it; costs by the trace",
    "alarm_email": "who is told of alarms; Amazon asks the address first",
    "budget": "US dollars a month above which a mail is sent; needs alarm_email",
    "log_retention": "days",
    "golden": "requests that a new version must answer as it is done here",
    "canary": "how traffic moves",
    "keep_versions": "published versions that stay, the live one among them",
    "environment": "environment variables of the function's own",
}
EXAMPLES = {
    "region": '"eu-central-1"',
    "account": '"123456789012"',
    "tags": 'team = "nlp"',
    "signed_by": '"key.pub"',
    "concurrency": "10",
    "alarm_email": '"oncall@example.org"',
    "budget": "20",
    "golden": '"golden.jsonl"',
    "environment": 'KEY = "value"',
}
KINDS: dict[Any, Kind] = {
    str: "string",
    Path: "string",
    int: "whole number",
    float: "number",
    bool: "boolean",
    (int, Literal["unlimited"]): 'whole number or "unlimited"',
    tuple: "list of strings",
    Mapping: "table of strings",
}
NOT_OF_THE_PROJECT = ("functions", "folder")


@dataclass(frozen=True)
class Key:
    """One key.

    :param name: As in the file and in the model.
    :param kind: What it takes.
    :param default: Where it is left out; ``None`` too where it has none.
    :param required: Whether it has to be there.
    :param choices: All that it takes, where that is a list.
    :param remark: What it is, in one line.
    :param example: In TOML, where the default cannot be written.
    """

    name: str
    kind: Kind
    default: Any
    required: bool
    choices: tuple[str, ...]
    remark: str
    example: str | None


@cache
def project_keys() -> dict[str, Key]:
    """Those of ``[project]``."""
    return {name: key for name, key in _keys(Project).items() if name not in NOT_OF_THE_PROJECT}


@cache
def function_keys() -> dict[str, Key]:
    """Those of ``[functions.NAME]``; the name is the table's."""
    return {name: key for name, key in _keys(FunctionConfig).items() if name != "name"}


def _keys(model: type[Any]) -> dict[str, Key]:
    hints = get_type_hints(model)
    return {one.name: _key(one, hints[one.name]) for one in fields(model) if one.name not in NOT_OF_THE_PROJECT}


def _key(field: Field[Any], annotation: Any) -> Key:
    choices, kind = _kind(annotation)
    return Key(
        name=field.name,
        kind=kind,
        default=_default(field),
        required=field.default is MISSING and field.default_factory is MISSING,
        choices=choices,
        remark=REMARKS[field.name],
        example=EXAMPLES.get(field.name),
    )


def _kind(annotation: Any) -> tuple[tuple[str, ...], Kind]:
    if get_origin(annotation) in (Union, UnionType):
        several = tuple(one for one in get_args(annotation) if one is not NoneType)
        annotation = several if len(several) > 1 else several[0]
    if get_origin(annotation) is Literal:
        return get_args(annotation), "string"
    return (), KINDS[get_origin(annotation) or annotation]


def _default(field: Field[Any]) -> Any:
    if field.default is not MISSING:
        return field.default
    return None if field.default_factory is MISSING else field.default_factory()
