"""Text of a new ``spacy-lambda.toml``: the required keys, and every other key with its default as a comment."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from spacy_lambda.config.keys import TABLES, Key, function_keys, project_keys

__all__ = ["render_project", "toml_value", "with_region"]

HEAD = """\
# Configuration of spacy-lambda. Comments show the default of each key, or an example if it is unset
# by default.
"""
COLUMN = 32
WIDTH = 100
"""Columns of a line, if its remark can be broken."""


def render_project(*, name: str, function: str, pipeline: str, region: str | None) -> str:
    """Return the text of a file; loading it gives the defaults.

    :param name: Name of the project.
    :param function: Name of the function.
    :param pipeline: Its location, relative to the file.
    :param region: ``None`` leaves it to ``--region`` and the environment.
    """
    blocks = [
        [HEAD.rstrip()],
        ["[project]", *_lines(project_keys(), {"name": name, "region": region})],
        *_tables("project", project_keys()),
        [f"[functions.{function}]", *_lines(function_keys(), {"pipeline": pipeline})],
        *_tables(f"functions.{function}", function_keys()),
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def with_region(text: str, region: str) -> str:
    """Return the text of a file with a region in place of its comment; unchanged if it has no such comment."""
    setting = _line(f"region = {toml_value(region)}", project_keys()["region"].description)
    return re.sub(r"^# region = .*(\n {3,}#.*)*", lambda _: setting, text, count=1, flags=re.MULTILINE)


def toml_value(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, str):
        # A JSON string is a TOML string, except for one character that TOML escapes too.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _lines(keys: Mapping[str, Key], values: Mapping[str, str | None]) -> Iterator[str]:
    for key in keys.values():
        value = values.get(key.name)
        if value is not None:
            yield _line(f"{key.name} = {toml_value(value)}", key.description)
        elif key.kind not in TABLES:
            default = toml_value(key.default) if _has_default(key) else key.example
            yield _line(f"# {key.name} = {default}", _unset(key) + _remark(key))


def _tables(path: str, keys: Mapping[str, Key]) -> Iterator[list[str]]:
    """Return the tables, which come last: in TOML, a key below a table's header belongs to that table."""
    for key in keys.values():
        if key.kind in TABLES:
            header = f"[[{path}.{key.name}]]" if key.kind == "array of tables" else f"[{path}.{key.name}]"
            example = (f"# {line}" for line in str(key.example).splitlines())
            yield [_line(f"# {header}", _unset(key) + _remark(key)), *example]


def _line(setting: str, remark: str) -> str:
    """Return a setting and its remark, which continues below itself."""
    first, *more = textwrap.wrap(remark, max(WIDTH - max(len(setting), COLUMN) - 4, WIDTH // 2))
    return "\n".join([f"{setting:<{COLUMN}}  # {first}", *(f"{'':<{COLUMN}}  # {line}" for line in more)])


def _remark(key: Key) -> str:
    return f"{key.description}. Choices: {', '.join(key.choices)}" if key.choices else key.description


def _unset(key: Key) -> str:
    return "" if key.required or _has_default(key) else "Unset. "


def _has_default(key: Key) -> bool:
    return key.default is not None and not (key.kind in TABLES and len(key.default) == 0)
