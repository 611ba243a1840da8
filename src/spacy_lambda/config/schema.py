"""Validation of ``spacy-lambda.toml`` by pydantic, which comes with spaCy.

Its models are made of the :mod:`~spacy_lambda.config.keys` and their :mod:`~spacy_lambda.config.rules`; each of its
errors becomes a fault with a remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails, PydanticCustomError

from spacy_lambda.config.combinations import combination_faults
from spacy_lambda.config.faults import Fault, Problem, describe, kind, nearest, toml_key
from spacy_lambda.config.keys import Key, Kind, function_keys, project_keys
from spacy_lambda.config.rules import LINES_RULE, NAME_RULES, TABLE_KEY_RULE, TEXT_RULE, VALUE_RULES, Rule

__all__ = ["validate_file"]

TABLES = ("project", "functions")
COLLECTIONS = ("array of strings", "table of strings")
REMEDIES: dict[Kind, str] = {
    "string": "write it in quotes",
    "integer": "write a number without a point, not in quotes",
    'integer or "unlimited"': 'write a number without a point, or "unlimited" in quotes',
    "number": "write a number, not in quotes",
    "boolean": "write true or false, not in quotes",
    "array of strings": 'write an array: ["https://example.org"]',
    "table of strings": 'write a table: { team = "nlp" }',
}
MISSING_REMEDIES = {
    "name": 'write name = "papers" under [project]',
    "region": 'write region = "eu-central-1" under [project], pass --region, or set AWS_REGION',
    "pipeline": 'write pipeline = "./compiled", the folder that spacy-lambda compile made',
}
"""Remedies for the required keys."""


def validate_file(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Return the values that are set, in the types of the dataclasses; and the faults, one for each key that has any.

    :param values: As TOML has them, with both tables; they are not changed.
    """
    try:
        valid, errors = _set_values(_file_model().model_validate(values)), []
    except ValidationError as exc:
        valid, errors = {}, exc.errors(include_url=False)
    faults: dict[str, Fault] = {}
    for fault in (*map(_fault, errors), *combination_faults(values)):
        faults.setdefault(fault.key, fault)
    return valid, list(faults.values())


def _set_values(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _set_values(getattr(value, name)) for name in value.model_fields_set}
    return {name: _set_values(one) for name, one in value.items()} if isinstance(value, dict) else value


@cache
def _file_model() -> type[BaseModel]:
    name = _checked(str, NAME_RULES["functions"], TABLE_KEY_RULE)
    functions = GenericAlias(dict, (name, _model("function", function_keys())))
    return _create_model("file", {"project": (_model("project", project_keys()), ...), "functions": (functions, ...)})


def _model(name: str, keys: Mapping[str, Key]) -> type[BaseModel]:
    return _create_model(name, {key.name: (_type(key), ... if key.required else None) for key in keys.values()})


def _create_model(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    return create_model(name, __config__=ConfigDict(strict=True, extra="forbid"), **fields)


def _type(key: Key) -> Any:
    rule = VALUE_RULES.get(key.name)
    text = _checked(str, rule, LINES_RULE if key.name == "environment" else TEXT_RULE)
    if key.kind == "array of strings":
        return Annotated[GenericAlias(list, text), AfterValidator(tuple)]
    if key.kind == "table of strings":
        return GenericAlias(dict, (_checked(str, NAME_RULES.get(key.name), TABLE_KEY_RULE), text))
    if key.type is Path:
        return Annotated[text, AfterValidator(_as_path)]
    return text if key.type is str else _checked(key.type, rule)


def _as_path(text: str) -> Path:
    return Path(text)


def _checked(kind: Any, *rules: Rule | None) -> Any:
    def check(value: Any) -> Any:
        for rule in rules:
            problem = rule and rule(value)
            if problem is not None:
                raise PydanticCustomError("rule", "{problem}", {"problem": problem[0], "remedy": problem[1]})
        return value

    return Annotated[kind, AfterValidator(check)]


def _fault(error: ErrorDetails) -> Fault:
    path, value = error["loc"], error["input"]
    if path[-1] == "[key]" and path[-2:-1] == (value,):  # the fault is in a table's key, which is the value here
        path = path[:-1]
    keys, depth = (project_keys(), 2) if path[0] == "project" else (function_keys(), 3)
    key = keys.get(str(path[depth - 1])) if len(path) >= depth else None
    if key is not None and key.kind not in COLLECTIONS:
        path = path[:depth]  # without the alternative of a union
    match error["type"]:
        case "rule":
            problem = error["ctx"]["problem"], error["ctx"]["remedy"]
        case "missing":
            problem = "is missing", MISSING_REMEDIES[str(path[-1])]
        case "extra_forbidden":
            problem = "is not a known key", nearest(str(path[-1]), TABLES if len(path) == 1 else keys, "keys")
        case "string_unicode":
            problem = TEXT_RULE(value) or ("is not a text", "write it in UTF-8")
        case _ if key is None:
            header = "functions.ner" if path == ("functions",) else toml_key(*path)
            problem = f"is {kind(value)}, not a table", f"write [{header}], and its keys below it"
        case _:
            problem = _value_problem(value, key, "string" if len(path) > depth else key.kind)
    return Fault(toml_key(*path), *problem)


def _value_problem(value: Any, key: Key, expected: Kind) -> Problem:
    if key.choices and isinstance(value, str):
        return f"is {describe(value)}; expected one of its choices", f"choose {', '.join(key.choices)}"
    is_number = isinstance(value, bool | int | float)
    actual = f"{describe(value)}, {kind(value)}" if is_number or isinstance(value, str) else kind(value)
    article = "an" if expected[0] in "ai" else "a"
    remedy = f'write it in quotes: "{describe(value)}"' if is_number and expected == "string" else REMEDIES[expected]
    return f"is {actual}, not {article} {expected}", remedy
