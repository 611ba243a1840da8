"""The file that a project begins with: what has to be said, and every default as a comment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from spacy_lambda.config.keys import Key, function_keys, project_keys

__all__ = ["render_project", "toml_value"]

HEAD = """\
# What spacy-lambda deploys, and how. What is commented out is the default, or an example where it says "unset".
"""
UNSET = "unset; "
COLUMN = 32


def render_project(*, name: str, function: str, pipeline: str, region: str | None) -> str:
    """The file's text; loading it gives the model's defaults.

    :param name: The project's.
    :param function: The function's.
    :param pipeline: Its location, as seen from the file.
    :param region: ``None`` leaves it to ``--region`` and the environment.
    """
    said = {"name": name, "region": region}
    blocks = [
        [HEAD.rstrip()],
        ["[project]", *_lines(project_keys(), said)],
        *_tables("project", project_keys()),
        [f"[functions.{function}]", *_lines(function_keys(), {"pipeline": pipeline})],
        *_tables(f"functions.{function}", function_keys()),
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, str):
        # JSON's strings are TOML's, but for the one character that TOML wants escaped too.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _lines(keys: dict[str, Key], said: dict[str, str | None]) -> Iterator[str]:
    for name, key in keys.items():
        if key.kind == "table of strings":
            continue
        value = said.get(name)
        if value is not None:
            yield _line(f"{name} = {toml_value(value)}", key.remark)
        elif key.default is None:
            yield _line(f"# {name} = {key.example}", f"{UNSET}{key.remark}")
        else:
            yield _line(f"# {name} = {toml_value(key.default)}", _others(key) + key.remark)


def _line(setting: str, remark: str) -> str:
    return f"{setting:<{COLUMN}}  # {remark}"


def _others(key: Key) -> str:
    others = [choice for choice in key.choices if choice != key.default]
    return f"or {', '.join(others)}; " if others else ""


def _tables(path: str, keys: dict[str, Key]) -> Iterator[list[str]]:
    """Tables come last: in TOML a key below a table's header is the table's."""
    for name, key in keys.items():
        if key.kind == "table of strings":
            yield [_line(f"# [{path}.{name}]", f"{UNSET}{key.remark}"), f"# {key.example}"]
