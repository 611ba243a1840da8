"""Help is whole at any width, and names values as people do."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner
from typer.main import get_command

from spacy_lambda.cli import make_app

APP: Any = get_command(make_app())
PATHS = ["", *APP.commands, "image push"]


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_cut_from_help(path: str, columns: int) -> None:
    done = CliRunner().invoke(APP, [*path.split(), "--help"], env={"COLUMNS": str(columns), "TERM": "dumb"})
    assert done.exit_code == 0, done.output
    assert max(map(len, done.output.splitlines())) <= columns
    assert "…" not in done.output
    for one in parameters(path):
        assert all(word in done.output for word in (*one.opts, *one.secondary_opts) if word.startswith("--"))
    for kind in ("<bool>", "<str>", "<path>", "<int", "<float", "list["):
        assert kind not in done.output


def parameters(path: str) -> list[Any]:
    found = APP
    for word in path.split():
        found = found.commands[word]
    return [one for one in found.params if not getattr(one, "hidden", False)]


def test_options_name_their_values() -> None:
    output = CliRunner().invoke(APP, ["serve", "--help"], env={"COLUMNS": "60"}).output
    lines = [line.strip() for line in output.splitlines()]
    assert {"--code PATH", "--timeout NUMBER", "--env KEY=VALUE", "--compare TEXT", "--keep-path", "PIPELINE"} <= {
        *lines
    }


@pytest.mark.parametrize("path", PATHS)
def test_the_usage_has_one_style(path: str) -> None:
    output = CliRunner().invoke(APP, [*path.split(), "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    usage = next(line for line in output.splitlines() if "Usage: " in line).partition("spacy-lambda")[2]
    words = usage.split()[len(path.split()) :]
    assert all(word.upper() == word and "{" not in word for word in words), usage
