"""JSON of texts and spans: keys and shapes that are accepted, and what is invalid, with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from spacy_lambda.errors import CorpusError
from tests.conversion.files import converted, ents, write_files


@pytest.mark.parametrize(
    "content",
    [
        '{"text": "Zinc melts.", "spans": [{"start": 0, "end": 4, "label": "M"}]}',
        '{"text": "Zinc melts.", "entities": [[0, 4, "M"]]}',
        '{"text": "Zinc melts.", "ents": [{"start_char": 0, "end_char": 4, "label_": "M"}]}',
        '{"text": "Zinc melts.", "ents": [{"start": 7, "end": 8, "start_char": 0, "end_char": 4, "label_": "M"}]}',
        '[{"text": "Zinc melts.",\n  "entities": [{"start": 0, "end": 4, "type": "M"}]}]',
        '{\n  "text": "Zinc melts.",\n  "entities": [[0, 4, "M"]]\n}\n',
        '["Zinc melts.", {"entities": [[0, 4, "M"]]}]\n["Tin.", {"entities": []}]\n',
        '[["Zinc melts.", {"entities": [[0, 4, "M"]]}]]',
        '\ufeff{"text": "Zinc melts.", "spans": [{"begin": 0, "end": 4, "label": "M", "text": "Zinc"}]}\r\n',
    ],
)
def test_shapes(tmp_path: Path, content: str) -> None:
    report, docs = converted(write_files(tmp_path, {"in.json": content}) / "in.json")
    assert ents(docs[0]) == [("Zinc", "M")]
    assert report.format == "jsonl"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "Zinc", "spans": []}\n{"text": "Ti', r"in.jsonl:2: the file is truncated: .*not valid JSON"),
        (
            '{"text": "Zinc", "spans": []}\n{"text": Tin}\n{}',
            r"in.jsonl:2: the line is not valid JSON: .* character 10",
        ),
        (
            '[{"text": "Zinc", "spans": []},\n{"text": "Tin", "spans": [',
            r"in.jsonl:2: the value that begins here is not",
        ),
        (
            '[{"text": "Zinc", "spans": []},\n{"text": "Tin',
            r"in.jsonl:2: a string is not closed: the file is truncated",
        ),
        ('[{"text": "Zinc", "spans": []}, {"spans": []}]', r"in.jsonl:1, item 2: the text is missing"),
        (
            '[{"text": "Zinc", "spans": []}, {"text": Tin}]',
            r"in.jsonl:1, item 2: the line is not valid .* character 10",
        ),
        ('[{"text": "Zinc", "spans": []}, {"text": "", "text": ""}]', r"in.jsonl:1, item 2: .*'text' occurs twice"),
        ('[\n{"text": "Zinc", "spans": []}, {\n"text": Tin}]', r"in.jsonl:3: the line is not valid JSON"),
        ('[{"text": "Zinc", "spans": []}\n', r"in.jsonl:1: the array is not closed"),
        ('{"text": "Zinc", "spans": []}\n{"spans": []}', r"in.jsonl:2: the text is missing; keys: 'spans'"),
        ('{"text": "Zinc", "spans": [[0, 4, "M"]], "spans": []}', r"in.jsonl:1: .*'spans' occurs twice"),
        ('{"text": "Zinc", "spans": []}\n7', r"in.jsonl:2: 7 is not a JSON object"),
        ('{"text": "Zinc", "spans": {"start": 0}}', r"in.jsonl:1: 'spans' is not a list of spans"),
        ('{"text": "Zi\\ud800", "spans": []}', r"in.jsonl:1: 'Zi' is followed by a lone surrogate"),
        ('{"text": "Zinc", "spans": [{"start": "0", "end": 4}]}', r"in.jsonl:1: .* is not a span"),
        ('{"text": "Zinc", "spans": []}\n{"text": "' + "x" * (33 << 20), r"in.jsonl:2: the object has 34,603,018 char"),
        (b'{"text": "Zinc", "spans": []}\n{"text": "\xd0\xe8\xe0"}', r"in.jsonl:2: byte 0xd0 .* is not UTF-8"),
    ],
)
def test_invalid_files_are_named_with_the_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        converted(write_files(tmp_path, {"in.jsonl": content}) / "in.jsonl")


def test_documents_without_spans_are_counted(tmp_path: Path) -> None:
    lines = '{"text": "Zinc", "marks": [[0, 4, "M"]]}\n{"text": "Tin", "spans": []}\n'
    report, docs = converted(write_files(tmp_path, {"in.jsonl": lines}) / "in.jsonl")
    notes = {"documents without a list of spans": 1, "values under 'marks', not converted": 1}
    assert (len(docs), dict(report.notes)) == (2, notes)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"entityLabels": [{"entityName": "M", "startCharIndex": 0, "endCharIndex": 3}]}, "entityLabels"),
        ({"spans.responses": [[{"start": 0, "end": 4, "label": "M"}]], "metadata": {"tags": ["a"]}}, "spans.responses"),
        ({"responses": {"spans": [{"user_id": "u", "value": [{"start": 0, "end": 4}]}]}}, "responses"),
    ],
)
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_annotations_under_keys_that_are_not_read_are_an_error(
    tmp_path: Path, values: dict[str, Any], key: str, suffix: str
) -> None:
    rows = [{"text": "Tin"}, {"text": "Zinc", **values}]
    source = tmp_path / f"in.{suffix}"
    if suffix == "parquet":
        parquet.write_table(pa.Table.from_pylist(rows[1:]), source)
    else:
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(CorpusError, match=rf"in.{suffix}:\d: no document has a list of spans .* {key!r} is not read"):
        converted(source)


def test_texts_without_any_key_of_spans_are_texts_without_spans(tmp_path: Path) -> None:
    lines = '{"text": "Zinc", "meta": {"parts": [[1]]}, "words": ["Zinc"]}\n["Tin", {"links": {}}]\n'
    report, docs = converted(write_files(tmp_path, {"in.jsonl": lines}) / "in.jsonl")
    assert (len(docs), dict(report.notes)) == (2, {"documents without a list of spans": 2})


def test_a_text_may_be_under_content(tmp_path: Path) -> None:
    source = write_files(tmp_path, {"in.jsonl": '{"content": "Zinc melts.", "spans": [[0, 4, "M"]]}\n'}) / "in.jsonl"
    _, (doc,) = converted(source)
    assert ents(doc) == [("Zinc", "M")]
