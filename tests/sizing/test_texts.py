"""Texts that durations are measured on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spacy_lambda.errors import SizingError, VerifyError
from spacy_lambda.sizing.texts import Texts, read_texts


def test_texts_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in ["iron", " ", "", "zinc\n"]))
    assert read_texts(path) == Texts(str(path), ("iron", "zinc\n"))
    path.write_text('{"text": " "}\n')
    with pytest.raises(SizingError, match="has only blank texts"):
        read_texts(path)
    with pytest.raises(VerifyError, match="does not exist"):
        read_texts(tmp_path / "none")


def test_a_text_that_spacy_takes_only_in_parts(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text(1_000_001 * "a")
    assert [*map(len, read_texts(tmp_path).texts)] == [1_000_001]


def test_a_sample_is_spread_over_a_long_file(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.mkdir()
    for number in range(90):
        (path / f"{number:02}.txt").write_text(str(number))
    assert read_texts(path).texts == tuple(map(str, range(0, 90, 3)))
