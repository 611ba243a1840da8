"""The commands and their options, compared with a committed list: changing one is a decision, not an accident.

After a deliberate change, write the list again: ``python -m tests.cli.test_commands``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from typer.main import get_command

from spacy_lambda.cli import make_app

COMMITTED = Path(__file__).with_name("commands.json")


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def parameters(command: Any) -> list[dict[str, Any]]:
    return [_parameter(one) for one in command.params if one.name != "help"]


def _parameter(one: Any) -> dict[str, Any]:
    kind, default = one.type_descriptor.annotation, one.default
    choices = list(get_args(kind)) if get_origin(kind) is Literal else None
    facts = {
        "name": one.name,
        "kind": one.param_type_name,
        "words": [*one.opts, *one.secondary_opts],
        "type": "choice" if choices else kind.__name__,
        "required": one.required,
        "default": str(default) if isinstance(default, Path) else default,
    }
    optional = {
        "choices": choices,
        "min": getattr(one, "min", None),
        "max": getattr(one, "max", None),
        "repeatable": getattr(one, "multiple", False) or one.nargs != 1 or None,
    }
    return facts | {key: value for key, value in optional.items() if value is not None}


def snapshot() -> dict[str, list[dict[str, Any]]]:
    app = get_command(make_app())
    return {"": parameters(app), **{path: parameters(command) for path, command in commands(app)}}


def test_commands_and_options_are_the_committed_ones() -> None:
    assert snapshot() == json.loads(COMMITTED.read_text(encoding="utf-8"))


def test_common_options_have_one_help_text() -> None:
    helps: dict[str, set[str]] = {}
    for _, command in commands(get_command(make_app())):
        for one in command.params:
            helps.setdefault(one.opts[0], set()).add(one.help)
    for option in (
        "--json",
        "--yes",
        "--config",
        "--region",
        "--profile",
        "--endpoint-url",
        "--host",
        "--port",
        "--env",
    ):
        assert len(helps[option]) == 1, option


def words(command: Any) -> set[str]:
    return {word for one in command.params for word in one.opts}


@pytest.mark.parametrize(("path", "command"), list(commands(get_command(make_app()))))
def test_habits_of_all_commands(path: str, command: Any) -> None:
    names, options = {one.name for one in command.params}, words(command)
    if names & {"out", "destination"} and path != "image push":  # a registry's tags are its own
        assert "--force" in options
    if "--region" in options and path not in ("init", "estimate"):  # which do not call AWS
        assert "--profile" in options
    assert ("--json" in options) == (path not in ("serve", "run-bundle"))


@pytest.mark.parametrize(("path", "command"), list(commands(get_command(make_app()))))
def test_help_is_a_sentence_and_an_example(path: str, command: Any) -> None:
    first, *_, last = [line.strip() for line in command.help.splitlines() if line.strip()]
    assert first.endswith(".")
    assert last.startswith(f"Example: spacy-lambda {path}")
    assert all(one.help.endswith((".", "...")) or "://" in one.help for one in command.params), path


if __name__ == "__main__":
    lines = (
        f"{json.dumps(path)}: [\n" + ",\n".join(f"  {json.dumps(one)}" for one in found) + "\n]"
        for path, found in snapshot().items()
    )
    COMMITTED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
