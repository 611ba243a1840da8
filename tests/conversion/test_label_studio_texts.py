"""The key of the texts in Label Studio's tasks, and spans in other objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.errors import CorpusError
from tests.conversion.files import converted, ents, write_files

FIRST = {"url": "https://example.org/a/zinc/and/a/long/path", "title": "Zinc", "sentence": "Hot zinc melts."}
SECOND = {"url": "https://example.org/b", "title": "Tin and its long history of use", "sentence": "Tin melts."}


def region(start: int, text: str, to_name: str = "t", **more: Any) -> dict[str, Any]:
    value = {"start": start, "end": start + len(text), "text": text, "labels": ["M"]}
    return {"value": value, "type": "labels", "from_name": "label", "to_name": to_name, **more}


def task(number: int, data: dict[str, Any], *results: Any) -> dict[str, Any]:
    return {"id": number, "data": data, "annotations": [{"result": list(results)}]}


def source(folder: Path, items: Any) -> Path:
    return write_files(folder, {"in.json": json.dumps(items)}) / "in.json"


def test_one_key_that_agrees_with_the_spans_in_all_tasks(tmp_path: Path) -> None:
    items = [task(1, FIRST, region(4, "zinc")), task(2, SECOND, region(0, "Tin")), task(3, SECOND)]
    report, docs = converted(source(tmp_path, items))
    assert [(doc.text, ents(doc)) for doc in docs] == [
        ("Hot zinc melts.", [("zinc", "M")]),
        ("Tin melts.", [("Tin", "M")]),
        ("Tin melts.", []),
    ]
    assert report.notes["tasks with the text from 'sentence'"] == 3


def test_the_key_in_json_min(tmp_path: Path) -> None:
    more = {"annotator": 1, "annotation_id": 3, "lead_time": 4.2}
    items = [
        {"id": 1, **FIRST, "label": [region(4, "zinc")["value"]], **more},
        {"id": 2, **SECOND, "label": [], "tone": "neutral", **more},
    ]
    _, docs = converted(source(tmp_path, items))
    assert [doc.text for doc in docs] == ["Hot zinc melts.", "Tin melts."]


@pytest.mark.parametrize(
    ("items", "problem"),
    [
        ([task(1, SECOND, region(0, "Tin"))], "the spans fit the texts of several keys: sentence, title"),
        ([task(1, FIRST)], "the tasks have several texts: sentence, title"),
        ([task(1, FIRST, region(0, "Zinc")), task(2, FIRST, region(4, "zinc"))], "in the texts of different keys"),
        ([task(1, FIRST, region(0, "Zinc", "a"), region(4, "zinc", "b"))], "the objects have the texts of several"),
    ],
)
def test_a_key_that_is_unclear_is_chosen_by_the_user(tmp_path: Path, items: Any, problem: str) -> None:
    with pytest.raises(CorpusError, match=problem) as caught:
        converted(source(tmp_path, items))
    assert "--text-from sentence" in caught.value.remedy
    _, docs = converted(source(tmp_path, items), text_from="sentence")
    assert {doc.text for doc in docs} <= {"Hot zinc melts.", "Tin melts."}
    with pytest.raises(CorpusError, match="the task has no text 'body'; keys: 'url', 'title', 'sentence'"):
        converted(source(tmp_path, items), text_from="body")


def test_spans_of_other_objects_are_counted(tmp_path: Path) -> None:
    data = {"title": "Zinc", "text": "Hot zinc melts."}
    items = [task(1, data, region(0, "Zinc", "heading"), region(4, "zinc", "body"))]
    report, (doc,) = converted(source(tmp_path, items))
    assert ents(doc) == [("zinc", "M")]
    assert report.notes["results in the object heading of Label Studio, not converted"] == 1


def test_predictions_alone_are_not_annotations(tmp_path: Path) -> None:
    item = {"id": 1, "data": {"text": "Tin."}, "predictions": [{"result": [region(0, "Tin")]}]}
    for items in ([item], [{**item, "annotations": []}]):
        with pytest.raises(CorpusError, match="the tasks have predictions and no annotations"):
            converted(source(tmp_path, items))
