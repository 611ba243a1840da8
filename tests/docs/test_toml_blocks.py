"""TOML blocks of the documentation are projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.config.load import load_project
from tests.docs.blocks import Block, every_block


@pytest.mark.parametrize("block", every_block("toml"), ids=lambda block: block.where)
def test_it_is_a_project(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "spacy-lambda.toml"
    path.write_text(block.text, encoding="utf-8")
    assert load_project(path, environ={}).functions
