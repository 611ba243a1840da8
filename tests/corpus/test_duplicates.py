"""Identifiers that occur more than once in a corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spacy_lambda.corpus import annotate, duplicates
from spacy_lambda.corpus.duplicates import Duplicates, SeenIds
from tests.corpus.engines import InProcess


@pytest.mark.parametrize("block", [1, 3, 1000])
def test_duplicates_are_counted_whatever_is_between_them(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(duplicates, "BLOCK", block)
    seen = SeenIds()
    for one in ("a", 1, "b", "a", "c", "1", "a", "d", "b", "\ud800", "e", "\ud800"):
        seen.add(one)
    found = seen.duplicates()
    assert (found.documents, found.compared) == (5, 12)
    assert set(found.examples) <= {"a", "1", "b", "\ud800"}
    assert len(found.examples) == 3


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MAX_IDS", 4)
    seen = SeenIds()
    for one in ("a", "b", "c", "a", "a", "b"):
        seen.add(one)
    assert seen.duplicates() == Duplicates(1, ("a",), 4)


def test_a_run_reports_them_also_when_nothing_is_to_do(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    for name, ids in (("a.jsonl", ["x", "y", "x"]), ("b.jsonl", ["z", "y"])):
        lines = [json.dumps({"id": one, "text": "iron"}) for one in ids]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    sources = [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]
    for destination in ("out", "out", "out.jsonl", "out.jsonl"):
        summary = annotate(sources, tmp_path / destination, pipeline=pipeline, on=engine)
        assert summary.duplicates == Duplicates(2, ("x", "y"), 5)
    assert summary.to_dict()["duplicates"] == {"documents": 2, "examples": ("x", "y"), "compared": 5}
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 5
