"""Tokens of dropped spans: for every reason they have no value, so that training does not take them for outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conversion.files import converted, ents, write_files

TEXT = "Zinc oxide melts at 1975 C, tin at 232 C."
KEPT = {"start": 28, "end": 31, "label": "M"}


def span(start: int, end: int, label: str = "M", **more: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "label": label, **more}


@pytest.mark.parametrize(
    ("reason", "spans", "missing"),
    [
        ("out of bounds", [span(35, 999)], ["232", "C."]),
        ("out of bounds", [span(-7, 4)], ["Zinc"]),
        ("out of bounds", [span(10, 5)], ["oxide"]),
        ("out of bounds", [span(900, 999)], []),
        ("empty", [span(4, 4)], []),
        ("no label", [span(0, 4, " ")], ["Zinc"]),
        ("different text", [span(0, 4, text="oxide")], ["Zinc", "oxide"]),
        ("different text", [span(0, 4, text="at")], ["Zinc", "at", "at"]),
        ("different text", [span(0, 4, text="iron")], ["Zinc"]),
        ("duplicate", [KEPT], []),
        ("misaligned", [span(0, 7)], ["Zinc", "oxide"]),
        ("overlapping", [span(5, 26), span(0, 10)], ["Zinc"]),
        ("overlapping", [span(0, 10), span(0, 4)], []),
        ("label left out", [span(0, 4, "note")], []),
    ],
)
def test_tokens_of_a_dropped_span(tmp_path: Path, reason: str, spans: list[Any], missing: list[str]) -> None:
    """A label that the user leaves out is not one of an entity: its tokens are outside."""
    line = json.dumps({"text": TEXT, "spans": [KEPT, *spans]})
    source = write_files(tmp_path, {"in.jsonl": line}) / "in.jsonl"
    report, (doc,) = converted(source, lang="en", rename={"note": ""})
    assert dict(report.dropped) == {reason: 1}
    assert ("tin", "M") in ents(doc)
    assert [token.text for token in doc if not token.ent_iob] == missing


def test_tokens_of_a_discontinuous_span(tmp_path: Path) -> None:
    files = {"a.txt": TEXT, "a.ann": "T1\tM 0 4;28 31\tZinc tin\n"}
    report, (doc,) = converted(write_files(tmp_path / "x", files), lang="en")
    assert dict(report.dropped) == {"discontinuous": 1}
    assert [token.text for token in doc if not token.ent_iob] == ["Zinc", "tin"]


def test_what_is_missing_in_a_corpus_stays_so_after_an_overlap_was_dropped(tmp_path: Path) -> None:
    line = json.dumps({"text": TEXT, "spans": [span(0, 10), span(5, 26)]})
    _, (doc,) = converted(write_files(tmp_path, {"in.jsonl": line}) / "in.jsonl", lang="en")
    (tmp_path / "converted.spacy").rename(tmp_path / "first.spacy")
    report, (again,) = converted(tmp_path / "first.spacy")
    assert [token.ent_iob for token in again] == [token.ent_iob for token in doc]
    assert dict(report.notes) == {"tokens without a value in doc.ents": 1}
