"""The spaCy projects among the examples: valid files, whose commands exist with their options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command
from weasel.schemas import ProjectConfigSchema, validate

from spacy_lambda.cli import make_app
from tests.docs.blocks import ROOT

PROJECTS = sorted((ROOT / "examples").glob("*/project.yml"))
STEPS = ["convert", "train", "evaluate", "compile", "verify", "package", "serve"]


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def scripts(project: dict[str, Any]) -> list[list[str]]:
    """The words of each program that a project runs, with its variables."""
    values = {f"vars.{key}": str(value) for key, value in project["vars"].items()}
    lines = [line for command in project["commands"] for line in command["script"]]
    resolved = [re.sub(r"\$\{([\w.]+)\}", lambda found: values[found[1]], line) for line in lines]
    words = [shlex.split(line) for line in resolved]
    return [shlex.split(one[2].partition(" > ")[0]) if one[0] == "bash" else one for one in words]


def test_there_are_two() -> None:
    assert [path.parent.name for path in PROJECTS] == ["recipes", "scienceie"]


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_it_is_valid_and_has_every_step(path: Path) -> None:
    project = read(path)
    assert validate(ProjectConfigSchema, project) == []
    names = [command["name"] for command in project["commands"]]
    assert [name for name in names if name in STEPS] == STEPS
    assert project["workflows"]["all"] == [name for name in names if name != "serve"]


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_its_commands_exist(path: Path) -> None:
    group: Any = get_command(make_app())
    context = group.make_context("spacy-lambda", [], resilient_parsing=True)
    for program, *words in scripts(read(path)):
        if program == "spacy-lambda":
            name, command, arguments = group.resolve_command(context, words)
            command.make_context(name, arguments, parent=context)
        elif program == "python" and words[0] != "-m":
            assert (path.parent / words[0]).is_file()


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_the_files_that_it_reads_exist_or_are_made_before(path: Path) -> None:
    project, made = read(path), set[str]()
    values = {f"${{vars.{key}}}": str(value) for key, value in project["vars"].items()}
    for command in project["commands"]:
        for needed in (values.get(one, one) for one in command.get("deps", ())):
            is_made = any(needed == one or needed.startswith(f"{one}/") for one in made)
            assert is_made or needed == project["vars"].get("corpus") or (path.parent / needed).exists(), needed
        made |= set(command.get("outputs", ()))
