"""Projects on disk, and the commands that are run in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from typer.testing import CliRunner, Result

from spacy_lambda.cli import make_app

PRINTED: list[str] = []
"""Everything that the commands have said."""


def write_pipeline(folder: Path, version: str, **patterns: str) -> None:
    """A small pipeline: a label for each word."""
    nlp = spacy.blank("en")
    nlp.meta["name"] = "materials"
    nlp.meta["version"] = version
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": word} for word, label in patterns.items()])
    nlp.to_disk(folder / "compiled")


def run(project: Path, *arguments: str) -> Result:
    """The command, in the project's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        result = CliRunner().invoke(make_app(), list(arguments))
        PRINTED.append(f"{result.output}{result.exception}")
        return result


def succeed(project: Path, *arguments: str) -> Any:
    result = run(project, *arguments, "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)
