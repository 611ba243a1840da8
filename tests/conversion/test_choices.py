"""Spans in several places, and annotations of several people: what is taken, what is counted, and how to choose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.errors import CorpusError
from tests.conversion.files import converted, ents, write_files

TEXT = "Zinc melts."
ZINC, MELTS = [0, 4, "M"], [5, 10, "P"]
ZINC_OBJECT = {"start": 0, "end": 4, "label": "M"}


def lines_in(folder: Path, *items: Any, name: str = "in.jsonl") -> Path:
    return write_files(folder, {name: "".join(json.dumps(item) + "\n" for item in items)}) / name


@pytest.mark.parametrize(
    ("item", "notes"),
    [
        ({"text": TEXT, "spans": [], "entities": [ZINC]}, {}),
        ({"text": TEXT, "spans": None, "ents": [], "label": [ZINC]}, {}),
        ({"text": TEXT, "spans": [ZINC], "entities": [ZINC_OBJECT]}, {}),
        ({"text": TEXT, "entities": [ZINC], "labels": ["hot", "new"]}, {"values under 'labels', not converted": 2}),
        (
            {"text": TEXT, "label": [ZINC], "annotations": [{"note": 1}]},
            {"values under 'annotations', not converted": 1},
        ),
        ({"text": "", "document": TEXT, "entities": [], "label": [ZINC]}, {}),
        ({"text": TEXT, "spans": [{**ZINC_OBJECT, "label": "", "type": "M"}]}, {}),
        (
            {"documentName": "a", "document": TEXT, "annotation": [], "tokens": [{**ZINC_OBJECT, "entityLabel": "M"}]},
            {},
        ),
        (
            {"document": TEXT, "annotation": [{**ZINC_OBJECT, "commentsList": ["?"]}], "classification": ["hot"]},
            {"values under 'classification', not converted": 1, "values under 'commentsList', not converted": 1},
        ),
        (
            {
                "id": 1,
                "data": {"text": TEXT},
                "annotations": [],
                "completions": [{"result": [{"value": {**ZINC_OBJECT, "labels": ["M"]}}]}],
            },
            {},
        ),
    ],
)
def test_spans_are_taken_from_the_key_that_has_some(tmp_path: Path, item: Any, notes: dict[str, int]) -> None:
    report, (doc,) = converted(lines_in(tmp_path, item))
    assert ents(doc) == [("Zinc", "M")]
    assert dict(report.notes) == notes


@pytest.mark.parametrize(
    ("item", "keys"),
    [
        ({"text": TEXT, "spans": [ZINC], "entities": [MELTS]}, ("spans", "entities")),
        ({"id": 1, "text": TEXT, "entities": [ZINC], "label": [MELTS]}, ("entities", "label")),
        (
            {
                "document": TEXT,
                "annotation": [ZINC_OBJECT],
                "tokens": [{**ZINC_OBJECT, "entityLabel": "X", "label": "X"}],
            },
            ("annotation", "tokens"),
        ),
    ],
)
def test_different_spans_under_several_keys_need_a_choice(tmp_path: Path, item: Any, keys: tuple[str, str]) -> None:
    source = lines_in(tmp_path, item)
    with pytest.raises(
        CorpusError, match=f"in.jsonl:1: there are different spans under '{keys[0]}' and '{keys[1]}'"
    ) as caught:
        converted(source)
    assert caught.value.remedy == f"choose one with --spans-from {keys[0]}"
    found = [ents(converted(source, spans_from=key)[1][0]) for key in keys]
    assert found[0] != found[1]
    report, _ = converted(source, spans_from=keys[1])
    assert dict(report.notes) == {f"values under {keys[0]!r}, not converted": 1}


def test_any_key_can_be_named(tmp_path: Path) -> None:
    source = lines_in(tmp_path, {"text": TEXT, "marks": [ZINC]}, {"text": "Tin.", "spans": []})
    report, docs = converted(source, spans_from="marks")
    assert (ents(docs[0]), dict(report.notes)) == ([("Zinc", "M")], {"documents without a list of spans": 1})
    with pytest.raises(CorpusError, match="the source has no place of spans 'mark'; it has spans"):
        converted(source, spans_from="mark")


def test_controls_of_label_studio(tmp_path: Path) -> None:
    def result(name: str, label: str) -> dict[str, Any]:
        return {"from_name": name, "type": "labels", "value": {"start": 0, "end": 4, "text": "Zinc", "labels": [label]}}

    item = {"id": 1, "data": {"text": TEXT}, "annotations": [{"result": [result("a", "M"), result("b", "N")]}]}
    report, (doc,) = converted(lines_in(tmp_path, item), spans_from="b")
    assert (ents(doc), dict(report.notes)) == ([("Zinc", "N")], {"results of a of Label Studio, not converted": 1})


@pytest.mark.parametrize(
    ("text", "covered", "kept"),
    [
        ("C:\\new zinc", "C:\\new", 1),  # a backslash before an n in the text
        ("Zinc\nmelts", "Zinc\\nmelts", 1),
        ("Zinc\nmelts C:\\n", "Zinc\nmelts", 1),
        ("Zinc\\nmelts", "Zinc\nmelts", 0),
    ],
)
def test_backslashes_of_label_studio(tmp_path: Path, text: str, covered: str, kept: int) -> None:
    value = {
        "start": 0,
        "end": len(covered.replace("\\n", "\n")) if "\n" in text else len(covered),
        "text": covered,
        "labels": ["M"],
    }
    task = {"id": 1, "data": {"text": text}, "annotations": [{"result": [{"type": "labels", "value": value}]}]}
    flat = {"id": 1, "text": text, "label": [value], "annotator": 1, "annotation_id": 3, "lead_time": 4.2}
    for item in (task, flat):
        report, _ = converted(lines_in(tmp_path, item))
        assert (report.format, report.kept) == ("label-studio", kept)


def test_doccanos_file_for_each_annotator(tmp_path: Path) -> None:
    """All files have all documents; unknown.jsonl has no spans, and sorts after a few of the others."""
    files = {
        "ann.jsonl": [{"id": 1, "text": TEXT, "label": [ZINC]}, {"id": 2, "text": "Tin.", "label": []}],
        "ben.jsonl": [{"id": 1, "text": TEXT, "label": [MELTS]}, {"id": 2, "text": "Tin.", "label": [[0, 3, "M"]]}],
        "unknown.jsonl": [{"id": 1, "text": TEXT, "label": []}, {"id": 2, "text": "Tin.", "label": []}],
    }
    for name, items in files.items():
        lines_in(tmp_path / "all", *items, name=name)
    report, docs = converted(tmp_path / "all")
    assert [ents(doc) for doc in docs] == [[("Zinc", "M")], [("Tin", "M")]]
    assert dict(report.left_out) == {"another annotator's": 4}
    _, docs = converted(tmp_path / "all", annotator="ben")
    assert [ents(doc) for doc in docs] == [[("melts", "P")], [("Tin", "M")]]
    with pytest.raises(CorpusError, match="no annotator '99'; it has ann, ben, unknown"):
        converted(tmp_path / "all", annotator="99")


def test_doccanos_users(tmp_path: Path) -> None:
    spans = [
        {"label": 7, "start_offset": 0, "end_offset": 4, "user": 1},
        {"label": 8, "start_offset": 0, "end_offset": 4, "user": 2},
    ]
    source = lines_in(tmp_path, {"id": 1, "text": TEXT, "annotations": spans, "meta": {}})
    report, (doc,) = converted(source)
    assert (ents(doc), dict(report.dropped)) == ([("Zinc", "7")], {"another annotator's": 1})
    assert ents(converted(source, annotator="2")[1][0]) == [("Zinc", "8")]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"text": TEXT, "spans": [ZINC]}, "no annotator '99'; its format names none"),
        ({"text": TEXT, "spans": [], "answer": "accept", "_session_id": "x-ann"}, "no annotator '99'; it has x-ann"),
        (
            {
                "id": 1,
                "data": {"text": TEXT},
                "annotations": [{"completed_by": {"id": 3, "email": "a@b"}, "result": []}],
            },
            "no annotator '99'; it has a@b",
        ),
    ],
)
def test_an_unknown_annotator(tmp_path: Path, item: Any, message: str) -> None:
    with pytest.raises(CorpusError, match=message) as caught:
        converted(lines_in(tmp_path, item), annotator="99")
    assert "--annotator" in caught.value.remedy


@pytest.mark.parametrize("offset", [10**12, -(10**4000)])
def test_absurd_offsets(tmp_path: Path, offset: int) -> None:
    for spans in ([[0, offset, "M"]], [{"start": offset, "end": 4, "label": "M"}]):
        with pytest.raises(CorpusError, match=r"in.jsonl:2: an offset has [\d,]+ digits; the limit is 10"):
            converted(lines_in(tmp_path, {"text": TEXT, "spans": []}, {"text": TEXT, "spans": spans}))
