"""Every fault of a project's file, at once. Nothing is changed, and no other file is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spacy_lambda.config.aws_names import bucket_name, output_resource, stack_name
from spacy_lambda.config.faults import Complaint, Fault, dotted, kind, nearest, shown
from spacy_lambda.config.keys import Key, Kind, function_keys, project_keys
from spacy_lambda.config.meaning import meaning_faults
from spacy_lambda.config.precedence import Settings
from spacy_lambda.config.rules import FUNCTION_RULES, PROJECT_RULES, RULES_OF_MANY, Rule, function_name, one_of
from spacy_lambda.core.env_names import OUTPUT_VARIABLE

__all__ = ["find_faults"]

TABLES = ("project", "functions")
OF_LINES = ("environment",)
"""Keys whose values may have several lines."""

LONGEST_BUCKET = 63
LONGEST_FUNCTION = 64
TYPES: dict[Kind, type[Any] | tuple[type[Any], ...]] = {
    "string": str,
    "whole number": int,
    'whole number or "unlimited"': (int, str),
    "number": (int, float),
    "boolean": bool,
    "list of strings": list,
    "table of strings": dict,
}
TYPE_REMEDIES: dict[Kind, str] = {
    "string": "write it in quotes",
    "whole number": "write a number without a point, not in quotes",
    'whole number or "unlimited"': 'write a number without a point, or "unlimited" in quotes',
    "number": "write a number, not in quotes",
    "boolean": "write true or false, not in quotes",
    "list of strings": 'write a list: ["https://example.org"]',
    "table of strings": 'write a table: { team = "nlp" }',
}
MISSING_REMEDIES = {
    "name": 'write name = "papers" under [project]',
    "region": 'write region = "eu-central-1" under [project], give --region, or set AWS_REGION',
    "pipeline": 'write pipeline = "./compiled", the folder that spacy-lambda compile made',
}


def find_faults(settings: Settings) -> list[Fault]:
    """All faults, in the file's order as far as it goes."""
    return [fault._replace(where=settings.origins.get(fault.where, fault.where)) for fault in _faults(settings.values)]


def _faults(values: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _unknown((), values, TABLES)
    project, functions = values.get("project", {}), values.get("functions", {})
    if isinstance(project, dict):
        yield from _table(("project",), project, project_keys(), PROJECT_RULES)
        yield from _bucket(project)
    else:
        yield _no_table("project", project, "[project]")
    if not isinstance(functions, dict):
        yield _no_table("functions", functions, "[functions.ner]")
        return
    if not functions:
        yield Fault("functions", "has no function", "write a table [functions.ner] with its pipeline")
    for name, function in functions.items():
        yield from _function(project, name, function)


def _function(project: Any, name: str, function: Any) -> Iterator[Fault]:
    where = dotted("functions", name)
    yield from _complaint(where, function_name(name))
    if not isinstance(function, dict):
        yield _no_table(where, function, f"[{where}]")
        return
    stack = stack_name(_string(project, "name"), name)
    if len(stack) > LONGEST_FUNCTION:
        yield Fault(
            where,
            f"makes a function with a name of {len(stack)} characters, {shown(stack)}; Lambda takes {LONGEST_FUNCTION}",
            "shorten the function's name or the project's",
        )
    yield from _table(("functions", name), function, function_keys(), FUNCTION_RULES)
    yield from _together(where, function)


def _table(
    path: tuple[str, ...], table: Mapping[str, Any], keys: Mapping[str, Key], rules: Mapping[str, Rule]
) -> Iterator[Fault]:
    yield from _unknown(path, table, keys)
    for name, key in keys.items():
        where = dotted(*path, name)
        if name not in table:
            if key.required:
                yield Fault(where, "is missing", MISSING_REMEDIES[name])
            continue
        if not _is(key.kind, table[name]):
            yield _wrong_type(where, table[name], key.kind)
            continue
        faults = [*_value(where, table[name], one_of(key.choices) if key.choices else rules.get(name), name)]
        yield from faults or meaning_faults(where, table[name], lines=name in OF_LINES)


def _value(where: str, value: Any, rule: Rule | None, name: str) -> Iterator[Fault]:
    if rule is not None:
        yield from _complaint(where, rule(value))
    if name in RULES_OF_MANY:
        yield from _items(where, value)
        yield from RULES_OF_MANY[name](where, value)


def _items(where: str, many: list[Any] | dict[str, Any]) -> Iterator[Fault]:
    """All of them have to be strings."""
    if isinstance(many, dict):
        named = {f"{where}.{dotted(name)}": item for name, item in many.items()}
    else:
        named = {f"{where}[{number}]": item for number, item in enumerate(many)}
    return (_wrong_type(key, item, "string") for key, item in named.items() if not isinstance(item, str))


def _is(wanted: Kind, value: Any) -> bool:
    # To Python, true is a number.
    return isinstance(value, TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))


def _wrong_type(where: str, value: Any, wanted: Kind) -> Fault:
    scalar = isinstance(value, bool | int | float)
    actual = f"{shown(value)}, {kind(value)}" if scalar or isinstance(value, str) else kind(value)
    in_quotes = wanted == "string" and scalar
    remedy = f'write it in quotes: "{shown(value)}"' if in_quotes else TYPE_REMEDIES[wanted]
    return Fault(where, f"is {actual}, not a {wanted}", remedy)


def _bucket(project: Mapping[str, Any]) -> Iterator[Fault]:
    name, region = _string(project, "name"), _string(project, "region")
    bucket = bucket_name(name, account=12 * "0", region=region)
    if name and region and len(bucket) > LONGEST_BUCKET:
        most = LONGEST_BUCKET - len(bucket) + len(name)
        yield Fault(
            "project.name",
            f"is {shown(name)}, {len(name)} characters; its bucket in {shown(region)} leaves room for {most}",
            "shorten it",
        )


def _together(where: str, function: Mapping[str, Any]) -> Iterator[Fault]:
    """Settings that are right by themselves, and wrong beside each other."""
    if function.get("snapstart") is True and function.get("shape") == "image-efs":
        yield Fault(
            f"{where}.snapstart",
            'is true with shape "image-efs", and Lambda has no SnapStart for functions with EFS',
            'leave out snapstart, or write shape = "image"',
        )
    output = output_resource(_string(function.get("environment"), OUTPUT_VARIABLE)) or ""
    if output.startswith("sqs:") and function.get("shape") == "image-efs":
        yield Fault(
            f"{where}.environment.{OUTPUT_VARIABLE}",
            'is a queue, which cannot be reached with shape "image-efs": its network leads to S3 only',
            'write s3://bucket/prefix, or shape = "image"',
        )
    if "budget" in function and "alarm_email" not in function:
        yield Fault(f"{where}.budget", "has no address for its mails", "write alarm_email too")


def _unknown(
    path: tuple[str, ...], table: Mapping[str, Any], known: Mapping[str, Any] | tuple[str, ...]
) -> Iterator[Fault]:
    for name in table:
        if name not in known:
            yield Fault(dotted(*path, name), "is no known key", nearest(name, known, "keys"))


def _no_table(where: str, value: Any, header: str) -> Fault:
    return Fault(where, f"is {kind(value)}, not a table", f"write {header}, and its keys below it")


def _complaint(where: str, complaint: Complaint | None) -> Iterator[Fault]:
    if complaint is not None:
        yield Fault(where, *complaint)


def _string(table: Any, key: str) -> str:
    """A value that can be measured; where it is none, that is another fault."""
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, str) else ""
