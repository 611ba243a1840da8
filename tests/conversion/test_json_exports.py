"""Exports of Label Studio, Doccano, Prodigy and UBIAI, in the shapes that the tools write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.conversion.accounting import ConversionReport
from spacy_lambda.errors import CorpusError
from tests.conversion.files import converted, ents, write_files

TEXT = "Zinc oxide \U0001f9ea melts at 1975 C now."


def export(folder: Path, content: Any, *, lines: bool = False) -> Path:
    text = "".join(json.dumps(one) + "\n" for one in content) if lines else json.dumps(content, indent=2)
    return write_files(folder, {"export.json": text}) / "export.json"


def result(start: int, end: int, text: str, *labels: str) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": text, "labels": list(labels)}
    names = {"from_name": "label", "to_name": "text", "type": "labels", "origin": "manual"}
    return {"id": f"r{start}", "value": value, **names}


def annotation(by: Any, *results: Any, **more: Any) -> dict[str, Any]:
    return {"id": 5, "completed_by": by, "result": list(results), "was_cancelled": False, "lead_time": 3.1, **more}


LABEL_STUDIO = [
    {
        "id": 11,
        "annotations": [
            annotation(1, result(0, 10, "Zinc oxide", "MAT", "COMPOUND"), result(23, 29, "1975 C", "TEMP")),
            annotation({"id": 2, "email": "b@example.org"}, result(0, 4, "Zinc", "MAT")),
        ],
        "predictions": [{"result": []}],
        "data": {"text": TEXT},
        "project": 1,
    },
    {"id": 12, "annotations": [annotation(1, was_cancelled=True)], "predictions": [], "data": {"text": "Skipped."}},
    {"id": 13, "annotations": [], "predictions": [], "data": {"text": "Not yet."}},
    {
        "id": 14,
        "completions": [
            annotation(1, {"type": "choices", "value": {"choices": ["x"]}, "from_name": "c"}),
        ],
        "data": {"title": "7", "text": "Tin melts."},
    },
]


def test_label_studio(tmp_path: Path) -> None:
    report, docs = converted(export(tmp_path, LABEL_STUDIO), lang="en", overlaps="first")
    assert report.format == "label-studio"
    assert [(doc.user_data["id"], doc.text) for doc in docs] == [("11", TEXT), ("14", "Tin melts.")]
    assert ents(docs[0]) == [("Zinc oxide", "MAT"), ("1975 C", "TEMP")]  # offsets of JavaScript
    assert dict(report.left_out) == {
        "another annotator's": 1,
        "cancelled by the annotator": 1,
        "not annotated": 1,
    }
    assert (report.entities, dict(report.dropped)) == (4, {"another annotator's": 1, "overlapping": 1})
    assert dict(report.notes) == {
        "predictions of Label Studio, not converted": 1,
        "documents with offsets that are UTF-16 units": 1,
        "results of type choices of Label Studio, not converted": 1,
    }


def test_a_region_of_label_studio_without_labels_is_dropped(tmp_path: Path) -> None:
    region = result(0, 4, "Zinc")
    del region["value"]["labels"]
    tasks = [{"id": 1, "annotations": [annotation(1, region)], "data": {"text": "Zinc melts."}}]
    report, (doc,) = converted(export(tmp_path, tasks))
    assert (report.entities, dict(report.dropped)) == (1, {"no label": 1})
    assert doc[0].ent_iob_ == ""


def test_a_project_of_label_studio_without_spans_is_an_error(tmp_path: Path) -> None:
    choice = {"type": "choices", "value": {"choices": ["x"]}, "from_name": "c"}
    box = {"type": "rectanglelabels", "value": {"x": 1, "rectanglelabels": ["x"]}, "from_name": "b"}
    tasks = [{"id": 1, "annotations": [annotation(1, choice, box)], "data": {"image": "a.png"}}]
    with pytest.raises(CorpusError, match=r"export.json:2: .* no spans of text, but .* choices, rectanglelabels"):
        converted(export(tmp_path, tasks))


@pytest.mark.parametrize("name", ["2", "b@example.org"])
def test_an_annotator_of_label_studio(tmp_path: Path, name: str) -> None:
    report, docs = converted(export(tmp_path, LABEL_STUDIO), lang="en", annotator=name)
    assert ents(docs[0]) == [("Zinc", "MAT")]
    assert report.left_out["another annotator's"] == 2


def test_label_studio_min(tmp_path: Path) -> None:
    values = [{"start": 0, "end": 10, "text": "Zinc oxide", "labels": ["MAT"]}]
    more = {"annotator": 1, "annotation_id": 3, "created_at": "2024-01-01T00:00:00Z", "lead_time": 4.2}
    items = [{"text": TEXT, "id": 1, "label": values, **more}, {"text": TEXT, "id": 1, "label": [], **more}]
    report, (doc,) = converted(export(tmp_path, items), lang="en")
    assert ents(doc) == [("Zinc oxide", "MAT")]
    assert (report.format, dict(report.left_out)) == ("label-studio", {"annotated again": 1})


def test_label_studio_conll(tmp_path: Path) -> None:
    lines = "-DOCSTART- -X- O\nZinc -X- _ B-MAT\noxide -X- _ I-MAT\nmelts -X- _ O\n\nTin -X- _ B-MAT\n\n"
    report, docs = converted(write_files(tmp_path, {"result.conll": lines}) / "result.conll")
    assert [ents(doc) for doc in docs] == [[("Zinc oxide", "MAT")], [("Tin", "MAT")]]
    assert report.format == "conll"


def test_labels_with_spaces_in_label_studios_conll(tmp_path: Path) -> None:
    lines = "-DOCSTART- -X- O\nZinc -X- _ B-Base metal\noxide -X- _ I-Base metal\nmelts -X- _ O\n\n"
    _, (doc,) = converted(write_files(tmp_path, {"result.conll": lines}) / "result.conll")
    assert ents(doc) == [("Zinc oxide", "Base metal")]


@pytest.mark.parametrize(
    "item",
    [
        {"id": 1, "text": TEXT, "label": [[0, 10, "MAT"]], "Comments": []},
        {"id": 1, "data": TEXT, "label": [[0, 10, "MAT"]]},
        {"id": 1, "text": TEXT, "labels": [[0, 10, "MAT"]], "meta": {}, "annotation_approver": None},
        {
            "id": 1,
            "text": TEXT,
            "entities": [{"id": 7, "label": "MAT", "start_offset": 0, "end_offset": 10}],
            "relations": [],
            "Comments": [],
        },
        {"id": 1, "text": TEXT, "annotations": [{"label": "MAT", "start_offset": 0, "end_offset": 10, "user": 1}]},
    ],
)
def test_doccano(tmp_path: Path, item: dict[str, Any]) -> None:
    report, (doc,) = converted(export(tmp_path, [item], lines=True), lang="en")
    assert (report.format, ents(doc)) == ("doccano", [("Zinc oxide", "MAT")])


def test_categories_of_doccano_are_not_a_text_without_entities(tmp_path: Path) -> None:
    items = [{"text": TEXT, "label": ["GOOD"]}, {"text": "Tin.", "label": [[0, 3, "M"]]}, {"text": "No.", "label": []}]
    report, docs = converted(export(tmp_path, items, lines=True))
    assert ([doc.text for doc in docs], dict(report.left_out)) == (["Tin.", "No."], {"not annotated": 1})
    with pytest.raises(CorpusError, match="has no annotated documents"):
        converted(export(tmp_path, items[:1], lines=True))


def test_other_keys_of_doccano_with_lists_of_annotations_are_counted(tmp_path: Path) -> None:
    item = {"text": "Tin.", "label": [[0, 3, "M"]], "marks": [[0, 3, "X"], [0, 3, "Y"]], "words": ["Tin"]}
    report, _ = converted(export(tmp_path, [item], lines=True))
    assert dict(report.notes) == {"values under 'marks', not converted": 2}


def test_other_annotations_of_doccano_are_counted(tmp_path: Path) -> None:
    entity = {"id": 7, "label": "MAT", "start_offset": 0, "end_offset": 4}
    relation = {"id": 1, "from_id": 7, "to_id": 7, "type": "is"}
    item = {"id": 1, "text": TEXT, "entities": [entity], "relations": [relation], "Comments": ["check"]}
    report, _ = converted(export(tmp_path, [item], lines=True))
    assert dict(report.notes) == {"relations of Doccano, not converted": 1, "comments of Doccano, not converted": 1}


def prodigy(text: str, answer: str, *spans: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "text": text,
        "_input_hash": hash(text) % 1000,
        "_task_hash": 7,
        "_is_binary": False,
        "tokens": [{"text": "Zinc", "start": 0, "end": 4, "id": 0, "ws": True}],
        "_view_id": "ner_manual",
        "spans": list(spans),
        "answer": answer,
        "_timestamp": 1700000000,
        "_annotator_id": "metals-anna",
        "_session_id": "metals-anna",
        **more,
    }


def test_prodigy(tmp_path: Path) -> None:
    zinc = {"start": 0, "end": 4, "token_start": 0, "token_end": 0, "label": "MAT"}
    by_tokens = {"token_start": 0, "token_end": 0, "label": "MAT"}
    ben = {"_session_id": "metals-ben", "_annotator_id": "metals-ben"}
    items = [
        prodigy("Zinc melts.", "accept", zinc, meta={"id": "a1"}, relations=[{"head": 0}]),
        prodigy("Zinc shines.", "reject", zinc),
        prodigy("Zinc.", "ignore"),
        prodigy("Zinc melts.", "accept", zinc, **ben),
        prodigy("Zinc rusts.", "accept", by_tokens, **ben),
    ]
    report, docs = converted(export(tmp_path, items, lines=True))
    assert report.format == "prodigy"
    assert [(doc.text, ents(doc)) for doc in docs] == [
        ("Zinc melts.", [("Zinc", "MAT")]),
        ("Zinc rusts.", [("Zinc", "MAT")]),
    ]
    assert docs[0].user_data["id"] == "a1"
    assert dict(report.left_out) == {"rejected": 1, "ignored": 1, "annotated again": 1}
    assert (report.entities, report.kept) == (4, 2)
    _, docs = converted(export(tmp_path, items, lines=True), annotator="ben")
    assert [doc.text for doc in docs] == ["Zinc melts.", "Zinc rusts."]


def binary(text: str, answer: str, start: int, end: int, **more: Any) -> dict[str, Any]:
    span = {"start": start, "end": end, "label": "MAT", "source": "en_core", "input_hash": 1}
    return {"text": text, "_input_hash": 1, "spans": [span], "_view_id": "ner", "answer": answer, **more}


@pytest.mark.parametrize("more", [{"_is_binary": True}, {}])
def test_a_binary_answer_of_prodigy_is_about_its_span_alone(tmp_path: Path, more: dict[str, Any]) -> None:
    text = "Zinc and tin melt."
    items = [
        binary(text, "accept", 0, 4, **more),
        binary(text, "reject", 13, 17, **more),
        binary(text, "accept", 9, 12, **more),
        binary("Iron.", "reject", 0, 4, _input_hash=2, **more),
        binary("Gold.", "ignore", 0, 4, _input_hash=3, **more),
    ]
    report, (doc,) = converted(export(tmp_path, items, lines=True), lang="en")
    assert ents(doc) == [("Zinc", "MAT"), ("tin", "MAT")]
    assert [token.ent_iob_ for token in doc] == ["B", "", "B", "", ""]
    assert dict(report.left_out) == {"rejected": 2, "ignored": 1}
    assert (report.entities, report.kept) == (5, 2)
    assert dict(report.notes) == {
        "binary answers of Prodigy, which leave the text outside of their spans without a value": 2
    }
    report, _ = converted(export(tmp_path, items, lines=True), lang="en", overlaps="spans")
    assert report.notes["documents with parts that are not annotated, which doc.spans cannot hold"] == 1


def test_a_whole_annotation_of_prodigy_comes_before_binary_answers(tmp_path: Path) -> None:
    items = [
        binary("Zinc.", "accept", 0, 4, _is_binary=True),
        binary("Zinc.", "accept", 0, 4, _is_binary=False, _view_id="ner_manual"),
    ]
    report, (doc,) = converted(export(tmp_path, items, lines=True), lang="en")
    assert [token.ent_iob_ for token in doc] == ["B", "O"]
    assert dict(report.left_out) == {"annotated again": 1}


def test_questions_of_prodigy_without_an_answer_about_spans_are_left_out(tmp_path: Path) -> None:
    items = [
        prodigy("Zinc.", "accept"),
        {**prodigy("Tin.", "accept"), "answer": None},
        prodigy("Iron.", "later"),
        {"text": "Gold.", "label": "METALS", "answer": "accept", "_view_id": "classification", "_is_binary": True},
    ]
    report, docs = converted(export(tmp_path, items, lines=True))
    assert [doc.text for doc in docs] == ["Zinc."]
    assert dict(report.left_out) == {"not annotated": 2, "answered 'later'": 1}


@pytest.mark.parametrize(
    "item",
    [
        {
            "documentName": "a.txt",
            "document": TEXT,
            "annotation": [
                {"start": 0, "end": 10, "label": "MAT", "text": "Zinc oxide", "propertiesList": [], "commentsList": []}
            ],
            "user_input": "",
        },
        {
            "documentName": "a.txt",
            "document": TEXT,
            "tokens": [
                {"text": "Zinc oxide", "start": 0, "end": 10, "token_start": 0, "token_end": 1, "entityLabel": "MAT"},
                {"text": "melts", "start": 13, "end": 18, "token_start": 3, "token_end": 3, "entityLabel": ""},
            ],
            "relations": [],
        },
    ],
)
def test_ubiai(tmp_path: Path, item: dict[str, Any]) -> None:
    report, (doc,) = converted(export(tmp_path, [item]), lang="en")
    assert (report.format, ents(doc)) == ("ubiai", [("Zinc oxide", "MAT")])
    assert doc.user_data["id"] == "a.txt"


def test_a_span_without_offsets_is_named_with_its_line(tmp_path: Path) -> None:
    value = {"start": "/div[1]/text()[1]", "end": "/div[1]/text()[1]", "startOffset": 0, "hypertextlabels": ["MAT"]}
    task = {"id": 1, "data": {"text": TEXT}, "annotations": [{"result": [{"type": "hypertextlabels", "value": value}]}]}
    with pytest.raises(CorpusError, match=r"export.json:2: a span has no character offsets"):
        converted(export(tmp_path, [task]))
    value["globalOffsets"] = {"start": 0, "end": 4}
    assert converted(export(tmp_path, [task]))[0].kept == 1


def test_spans_of_prodigy_have_answers_of_their_own(tmp_path: Path) -> None:
    zinc = {"start": 0, "end": 4, "label": "MAT"}
    other = {"start": 5, "end": 10, "token_start": 0, "token_end": 0, "label": "MAT"}
    items = [prodigy("Zinc melts.", "accept", {**zinc, "answer": "reject"}, other)]
    report, (doc,) = converted(export(tmp_path, items, lines=True), lang="en")
    assert ents(doc) == [("melts", "MAT")]
    assert dict(report.notes) == {
        "spans with the answer 'reject', not converted": 1,
        "spans whose tokens and characters differ, read by characters": 1,
    }


def test_a_choice_of_prodigy_is_not_a_text_without_entities(tmp_path: Path) -> None:
    choice = {"text": "Tin.", "spans": [], "options": [{"id": "a"}], "accept": ["a"], "answer": "accept"}
    items = [choice, {**choice, "_view_id": "choice"}, prodigy("Zinc.", "accept", options=[])]
    report, docs = converted(export(tmp_path, items, lines=True))
    assert ([doc.text for doc in docs], dict(report.left_out)) == (["Zinc."], {"not annotated": 2})


@pytest.mark.parametrize("values", [{"spans": [[0, 3, "M"]]}, {"label": [[0, 3, "M"]]}])
def test_a_text_that_is_annotated_again_is_noted(tmp_path: Path, values: dict[str, Any]) -> None:
    empty: dict[str, Any] = {key: [] for key in values}
    lines = [json.dumps({"id": number, "text": "Tin.", **one}) for number, one in enumerate((values, empty, values))]
    folder = write_files(tmp_path / "in", {"a.jsonl": lines[0] + "\n", "b.jsonl": f"{lines[1]}\n{lines[2]}\n"})
    report, _ = converted(folder)
    place = report.examples["texts annotated again, with other entities"][0]
    assert (place.place, place.detail) == (f"{folder}/b.jsonl:1", f"first in {folder}/a.jsonl:1")
    assert report.notes["texts annotated again, with the same entities"] == 1


@pytest.mark.parametrize(
    "item",
    [
        {"document": "Tin", "annotation": [{"start": 0, "end": 9, "label": "MAT"}]},
        {"text": "Tin", "label": [[0, 9, "MAT"]]},
        {"text": "Tin", "spans": [{"start": 0, "end": 9, "label": "MAT"}], "answer": "accept"},
        {"data": {"text": "Tin"}, "annotations": [annotation(1, result(0, 9, "Tin", "MAT"))]},
        {"text": "Tin", "spans": [[0, 9, "MAT"]]},
    ],
)
def test_documents_in_one_line_are_told_apart_by_their_numbers(tmp_path: Path, item: dict[str, Any]) -> None:
    content = json.dumps([item, item])
    report, _ = converted(write_files(tmp_path, {"export.json": content}) / "export.json")
    assert _places(report) == {"export.json:1, item 1", "export.json:1, item 2"}
    spread, _ = converted(export(tmp_path, [item, item]))
    assert not any(", item" in place for place in _places(spread))


def _places(report: ConversionReport) -> set[str]:
    return {Path(example.place).name for examples in report.examples.values() for example in examples}
