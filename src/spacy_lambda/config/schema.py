"""Validation of ``spacy-lambda.toml`` by pydantic, which comes with spaCy.

Its models are made of the :mod:`~spacy_lambda.config.keys` and their :mod:`~spacy_lambda.config.rules`;
:mod:`~spacy_lambda.config.pydantic_faults` makes a fault with a remedy of each of its errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal, Union

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import PydanticCustomError

from spacy_lambda.cdk.source_settings import SOURCE_KINDS
from spacy_lambda.config.bulk_rules import BULK_RULES
from spacy_lambda.config.combinations import combination_faults
from spacy_lambda.config.faults import Fault
from spacy_lambda.config.keys import Key, bulk_keys, function_keys, project_keys, source_keys
from spacy_lambda.config.pydantic_faults import make_fault
from spacy_lambda.config.rules import LINES_RULE, NAME_RULES, TABLE_KEY_RULE, TEXT_RULE, VALUE_RULES, Rule
from spacy_lambda.config.source_rules import SOURCE_RULES

__all__ = ["validate_file"]


def validate_file(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Return the values that are set, in the types of the dataclasses; and the faults, one for each key that has any.

    :param values: As TOML has them, with both tables; they are not changed.
    """
    try:
        valid, errors = _set_values(_file_model().model_validate(values)), []
    except ValidationError as exc:
        valid, errors = {}, exc.errors(include_url=False)
    faults: dict[str, Fault] = {}
    for fault in (*map(make_fault, errors), *combination_faults(values)):
        faults.setdefault(fault.key, fault)
    return valid, list(faults.values())


def _set_values(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _set_values(getattr(value, name)) for name in value.model_fields_set}
    if isinstance(value, tuple):
        return tuple(map(_set_values, value))
    return {name: _set_values(one) for name, one in value.items()} if isinstance(value, dict) else value


@cache
def _file_model() -> type[BaseModel]:
    name = _checked(str, NAME_RULES["functions"], TABLE_KEY_RULE)
    functions = GenericAlias(dict, (name, _model("function", function_keys())))
    return _create_model("file", {"project": (_model("project", project_keys()), ...), "functions": (functions, ...)})


def _model(name: str, keys: Mapping[str, Key]) -> type[BaseModel]:
    return _create_model(name, {key.name: _field(key) for key in keys.values()})


def _field(key: Key) -> Any:
    return (_type(key), ... if key.required else None)


def _create_model(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    return create_model(name, __config__=ConfigDict(strict=True, extra="forbid"), **fields)


@cache
def _source_type() -> Any:
    """Return the type of an event source: one model for each kind, of which pydantic tries no other."""
    models = [
        _create_model(
            kind, {"kind": (Literal[kind], ...)} | {key.name: _field(key) for key in source_keys(kind).values()}
        )
        for kind in SOURCE_KINDS
    ]
    return Annotated[Union[tuple(models)], Field(discriminator="kind")]  # noqa: UP007


def _type(key: Key) -> Any:
    rule = VALUE_RULES.get(key.name) or SOURCE_RULES.get(key.name) or BULK_RULES.get(key.name)
    text = _checked(str, rule, LINES_RULE if key.name in ("environment", "examples") else TEXT_RULE)
    if key.kind == "array of strings":
        return Annotated[GenericAlias(list, text), AfterValidator(tuple)]
    if key.kind == "array of tables":
        return Annotated[GenericAlias(list, _source_type()), AfterValidator(tuple)]
    if key.kind == "table":
        return _model(key.name, bulk_keys())
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
