"""The zip of a tree: the same bytes whatever the order and the times of its files."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from spacy_lambda.bundler.tree import write_zip


def test_the_zip_has_the_same_bytes(tmp_path: Path) -> None:
    for number, names in enumerate((["b", "a/c"], ["a/c", "b"])):
        tree = tmp_path / str(number)
        for name in names:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(name)
            os.utime(tree / name, (number, number))
        write_zip(tree, tmp_path / f"{number}.zip")
    assert (tmp_path / "0.zip").read_bytes() == (tmp_path / "1.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "0.zip") as archive:
        assert archive.namelist() == ["a/c", "b"]
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_zip_has_the_level_of_compression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "numbers").write_text("iron films " * 2000)
    for level in (1, 9):
        monkeypatch.setattr("spacy_lambda.bundler.tree.COMPRESSION", level)
        write_zip(tmp_path / "tree", tmp_path / f"{level}.zip")
    assert (tmp_path / "1.zip").stat().st_size > (tmp_path / "9.zip").stat().st_size
