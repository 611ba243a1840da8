"""The example of tests in CI: its workflow uses only files that the page's commands make."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import yaml

from tests.docs.blocks import ROOT, blocks, commands

FOLDER = ROOT / "examples" / "testing"
PAGE = list(blocks(FOLDER / "README.md"))
WORKFLOW: dict[str, Any] = yaml.safe_load(next(block.text for block in PAGE if block.language == "yaml"))
STEPS: list[dict[str, Any]] = WORKFLOW["jobs"]["test"]["steps"]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
WHEEL = f"spacy_lambda-{VERSION}-py3-none-any.whl"


def made() -> set[str]:
    """Return the files that the page's commands make, and those that are there."""
    found = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*")}
    for words in (shlex.split(one.text) for block in PAGE for one in commands(block)):
        if words[:2] == ["pip", "wheel"]:
            folder = words[words.index("-w") + 1]
            assert (FOLDER / words[-1] / "pyproject.toml").is_file()
            found.add(f"{folder}/{WHEEL}")
        elif words[0] == "cp":
            source = FOLDER / words[1]
            assert source.is_file(), source
            found.add((Path(words[2]) / source.name).as_posix())
    return found


def used() -> set[str]:
    """Return the files that the workflow's steps name."""
    found = {step["with"]["cache-dependency-path"] for step in STEPS if step.get("with", {}).get("cache")}
    for words in (shlex.split(step["run"]) for step in STEPS if "run" in step):
        for before, word in zip(["", *words], words, strict=False):
            if before == "-c":
                found.add(word)
            elif word.endswith(".whl"):
                found.add(word.rpartition("file://$PWD/")[2])
    return found


def test_the_workflow_has_every_file_that_it_uses() -> None:
    assert "constraints.txt" in used()
    assert len(used()) == 3
    assert used() <= made()


def test_the_page_on_tests_has_the_same_workflow() -> None:
    first = next(block.text for block in blocks(ROOT / "docs" / "testing.md") if block.language == "yaml")
    assert yaml.safe_load(first) == WORKFLOW


def test_variants_of_the_page_are_steps_that_replace_those_of_the_workflow() -> None:
    _, *others = (block.text for block in blocks(ROOT / "docs" / "testing.md") if block.language == "yaml")
    commands_of = [" ".join(step.get("run", "") for step in yaml.safe_load(text)) for text in others]
    assert [WHEEL in text for text in commands_of] == [True, True]
    assert [pull.split()[0] for text in commands_of for pull in text.split("spacy-lambda pull ")[1:]] == [
        "s3://my-models/ner/en_papers@1.0.0-int8"
    ]


def test_it_installs_the_pipeline_that_is_tested() -> None:
    settings = (FOLDER / "pytest.ini").read_text(encoding="utf-8")
    name = re.search(r"^spacy_lambda = (\w+)$", settings, re.MULTILINE)
    assert name is not None
    assert any(file.startswith(f"wheels/{name[1]}-") for file in used())
