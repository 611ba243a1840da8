"""The whole way of docs/train.md, by its own commands, on a tiny corpus with a small random transformer."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from spacy_lambda import Client
from spacy_lambda.local import FunctionSettings, LocalLambda
from tests.cli.in_process import run_main
from tests.docs.blocks import ROOT, Command, blocks, commands
from tests.training.corpora import write_transformer

PAGE = ROOT / "docs" / "train.md"
RUN = ("convert", "train", "evaluate", "compile", "verify", "package")
TEXTS = 20


def steps() -> list[Command]:
    """The page's commands that end by themselves, in their order."""
    found = [command for block in blocks(PAGE) if block.language == "console" for command in commands(block)]
    return [one for one in found if one.text.startswith("spacy-lambda") and one.text.split()[1] in RUN]


def test_the_page_has_every_step() -> None:
    assert tuple(step.text.split()[1] for step in steps()) == RUN


@pytest.mark.slow
def test_its_commands_lead_to_a_function(tmp_path: Path) -> None:
    export = (ROOT / "examples" / "recipes" / "recipes.jsonl").read_text(encoding="utf-8").splitlines()[:TEXTS]
    (tmp_path / "recipes.jsonl").write_text("\n".join(export) + "\n", encoding="utf-8")
    base = write_transformer(tmp_path / "base")
    for step in steps():
        words = shlex.split(step.text)[1:]
        if words[0] == "train":
            words[words.index("--base") + 1] = str(base)
            words += ["--max-steps", "60"]
        done = run_main(*words, cwd=tmp_path)
        assert done.returncode == 0, f"{step.where}: {done.stderr}"
    assert (tmp_path / "trained" / "curves.svg").is_file()
    (card,) = (tmp_path / "dist").glob("*.md")
    assert "Recipes in English." in card.read_text()
    with LocalLambda(FunctionSettings(pipeline=tmp_path / "compiled")) as local:
        entities = Client(local.endpoint_url).predict(json.loads(export[0])["text"])
    labels = {"AMOUNT", "DURATION", "INGREDIENT", "UTENSIL"}
    assert {entity["label"] for entity in entities} <= labels
