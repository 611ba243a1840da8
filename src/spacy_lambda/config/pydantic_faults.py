"""Errors of pydantic -> faults, each with a remedy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

from spacy_lambda.cdk.source_settings import SOURCE_KINDS
from spacy_lambda.config.faults import Fault, Problem, describe, kind, nearest, toml_key
from spacy_lambda.config.keys import Key, Kind, bulk_keys, function_keys, project_keys, source_keys
from spacy_lambda.config.rules import TEXT_RULE

__all__ = ["MISSING_REMEDIES", "make_fault"]

Path = tuple[str | int, ...]

HEADERS = ("project", "functions")
COLLECTIONS = ("array of strings", "array of tables", "table", "table of strings")
REMEDIES: dict[Kind, str] = {
    "string": "write it in quotes",
    "integer": "write a number without a point, not in quotes",
    'integer or "unlimited"': 'write a number without a point, or "unlimited" in quotes',
    "number": "write a number, not in quotes",
    "boolean": "write true or false, not in quotes",
    "array of strings": 'write an array: ["https://example.org"]',
    "array of tables": "write a header in double brackets for each: [[functions.ner.sources]]",
    "table": "write a header for it: [functions.ner.bulk]",
    "table of strings": 'write a table: { team = "nlp" }',
}
MISSING_REMEDIES = {
    "name": 'write name = "papers" under [project]',
    "region": 'write region = "eu-central-1" under [project], pass --region, or set AWS_REGION',
    "pipeline": 'write pipeline = "./compiled", the folder that spacy-lambda compile made',
    "kind": f"write kind = {' or '.join(map(json.dumps, SOURCE_KINDS))}",
    "queue": 'write queue = "texts"',
    "bucket": 'write bucket = "papers"',
    "stream": 'write stream = "texts"',
    "schedule_expression": 'write schedule_expression = "rate(4 minutes)"',
}
"""Remedies for the required keys."""


def make_fault(error: ErrorDetails) -> Fault:
    """Return the fault of an error."""
    path, value = error["loc"], error["input"]
    if path[-1] == "[key]" and path[-2:-1] == (value,):  # the fault is in a table's key, which is the value here
        path = path[:-1]
    path, keys, depth = _find_table(path)
    key = keys.get(str(path[depth - 1])) if len(path) >= depth else None
    if key is not None and key.kind not in COLLECTIONS:
        path = path[:depth]  # without the alternative of a union
    match error["type"]:
        case "rule":
            problem = error["ctx"]["problem"], error["ctx"]["remedy"]
        case "missing":
            problem = "is missing", MISSING_REMEDIES[str(path[-1])]
        case "union_tag_not_found":
            path, problem = (*path, "kind"), ("is missing", MISSING_REMEDIES["kind"])
        case "union_tag_invalid":
            path, problem = (*path, "kind"), _kind_problem(value["kind"])
        case "extra_forbidden":
            problem = "is not a known key", nearest(str(path[-1]), HEADERS if len(path) == 1 else keys, "keys")
        case "string_unicode":
            problem = TEXT_RULE(value) or ("is not a text", "write it in UTF-8")
        case _ if key is None or (key.kind == "array of tables" and len(path) > depth):
            problem = f"is {kind(value)}, not a table", f"write {_header(path)}, and its keys below it"
        case _:
            problem = _value_problem(value, key, "string" if len(path) > depth else key.kind)
    return Fault(toml_key(*path), *problem)


def _find_table(path: Path) -> tuple[Path, Mapping[str, Key], int]:
    """Find the table of a path.

    :returns: The path as the file has it; the keys of the table; the length of a path that ends with one of them.
    """
    if path[0] == "project":
        return path, project_keys(), 2
    if len(path) > 4 and path[2] == "sources" and path[4] in SOURCE_KINDS:  # pydantic puts the kind into the path
        return (*path[:4], *path[5:]), source_keys(str(path[4])), 5
    if len(path) > 3 and path[2] == "bulk":
        return path, bulk_keys(), 4
    return path, function_keys(), 3


def _header(path: Path) -> str:
    if path == ("functions",):
        return "[functions.ner]"
    return f"[[{toml_key(*path[:-1])}]]" if isinstance(path[-1], int) else f"[{toml_key(*path)}]"


def _kind_problem(value: Any) -> Problem:
    actual = describe(value) if isinstance(value, str) else f"{describe(value)}, not a string"
    return f"is {actual}; expected one of its choices", f"choose {', '.join(SOURCE_KINDS)}"


def _value_problem(value: Any, key: Key, expected: Kind) -> Problem:
    if key.choices and isinstance(value, str):
        return f"is {describe(value)}; expected one of its choices", f"choose {', '.join(key.choices)}"
    is_number = isinstance(value, bool | int | float)
    actual = f"{describe(value)}, {kind(value)}" if is_number or isinstance(value, str) else kind(value)
    article = "an" if expected[0] in "ai" else "a"
    remedy = f'write it in quotes: "{describe(value)}"' if is_number and expected == "string" else REMEDIES[expected]
    if expected == "array of strings" and isinstance(value, str):
        remedy = f"write an array: [{describe(value)}]"
    return f"is {actual}, not {article} {expected}", remedy
