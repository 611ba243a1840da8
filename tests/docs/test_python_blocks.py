"""Python blocks of the documentation run as they stand, those of one page one after another."""

from __future__ import annotations

import ast
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import ROOT, Block, every_block
from tests.docs.surroundings import SURROUNDINGS, Surroundings

BLOCKS = every_block("python", "py")
PAGES = sorted({block.path for block in BLOCKS if block.way != "skip"})
SLOW = {block.path for block in BLOCKS if block.value == "trained"}
"""Pages whose blocks compile and bundle."""


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_it_is_python(block: Block) -> None:
    ast.parse("\n" * (block.line - 1) + block.text, block.where)
    assert block.way != "parse", f"{block.where}: a Python block runs, or says why it does not: skip=REASON"


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow if page in SLOW else ()) for page in PAGES],
    ids=[page.relative_to(ROOT).as_posix() for page in PAGES],
)
def test_it_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    with ExitStack() as stack:
        given: dict[str, Surroundings] = {}
        for block in (one for one in BLOCKS if one.path == page and one.way != "skip"):
            if block.way == "fixture" and block.value not in given:
                given[block.value] = stack.enter_context(SURROUNDINGS[block.value](tmp_path))
                names |= given[block.value].names
            text = given[block.value].adapt(block.text) if block.way == "fixture" else block.text
            # A traceback names the page and the line.
            exec(compile("\n" * (block.line - 1) + text, str(page), "exec"), names)
