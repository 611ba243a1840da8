"""Documents that cannot be annotated: their messages, files and counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spacy_lambda.corpus import annotate, finish
from spacy_lambda.errors import CorpusError
from tests.corpus.engines import InProcess
from tests.corpus.files import TEXTS, write_jsonl


def test_outputs_that_differ_in_their_suffix_have_their_own_errors(
    tmp_path: Path, pipeline: Path, engine: InProcess
) -> None:
    wrong, right = write_jsonl(tmp_path / "wrong.jsonl", ["iron", 7]), write_jsonl(tmp_path / "right.jsonl", ["iron"])
    for name, source in (("out.jsonl", wrong), ("out.csv", wrong), ("out.jsonl.gz", right)):
        annotate(source, tmp_path / name, pipeline=pipeline, on=engine)
    found = {path.name for path in tmp_path.glob("*.errors.jsonl")}
    assert found == {"out.errors.jsonl", "out.csv.errors.jsonl"}


def test_errors_of_an_earlier_version_are_kept_with_their_output(
    tmp_path: Path, pipeline: Path, engine: InProcess
) -> None:
    source = write_jsonl(tmp_path / "in" / "a.jsonl", ["iron", 7])
    out, errors, record = (tmp_path / "in" / name for name in ("out.csv", "out.errors.jsonl", ".out.csv.annotate.json"))
    annotate(source.parent, out, pipeline=pipeline, on=engine)
    out.with_name("out.csv.errors.jsonl").rename(errors)
    record.write_text(record.read_text("utf-8").replace("out.csv.errors.jsonl", errors.name), encoding="utf-8")
    assert annotate(source.parent, out, pipeline=pipeline, on=engine).errors_file == errors.name
    assert len(engine.names) == 1
    write_jsonl(source, ["iron"])
    annotate(source.parent, out, pipeline=pipeline, on=engine, force=True)
    assert {path.name for path in source.parent.iterdir()} == {"a.jsonl", "out.csv", record.name}


def test_documents_with_an_error_are_listed(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = tmp_path / "corpus.jsonl"
    source.write_bytes(
        b'{"text": "iron"}\n{bad\n[]\n{"txt": "a", "id": "c"}\n\n{"text": null, "id": 7}\n{"text": "\\ud800"}\n'
    )
    summary = annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    errors = [json.loads(line) for line in (tmp_path / "out" / "_errors.jsonl").read_bytes().splitlines()]
    assert summary.counts.errors == 5
    assert [(error["id"], error["number"]) for error in errors] == [
        ("corpus.jsonl:2", 2),
        ("corpus.jsonl:3", 3),
        ("c", 4),
        (7, 6),
        ("corpus.jsonl:7", 7),
    ]
    assert "the key 'text' is missing; keys: 'txt', 'id'" in errors[2]["error"]["errorMessage"]
    with pytest.raises(CorpusError, match=r"corpus\.jsonl:2: the line is not valid JSON"):
        annotate(source, tmp_path / "stopped", pipeline=pipeline, on=engine, on_error="stop")


def test_reasons_are_counted(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [None, None, "a" * 1_000_001, "b" * 1_000_002, "iron"])
    summary = annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    assert summary.counts.errors == 4
    assert summary.reasons == {
        "the text is null, not a string": 2,
        "the text has 1,000,001 characters; the limit is 1,000,000": 2,
    }


def test_reasons_of_a_column_in_another_encoding(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    (tmp_path / "a.csv").write_bytes("text\nMüller\niron\nSchäfer’s\n".encode("cp1252"))
    summary = annotate(tmp_path / "a.csv", tmp_path / "out", pipeline=pipeline, on=engine)
    assert list(summary.reasons.values()) == [2]


def test_the_number_of_reasons_is_limited(
    tmp_path: Path, pipeline: Path, engine: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "MAX_REASONS", 2)
    (tmp_path / "a.jsonl").write_text("".join(f'{{"{key}": 1}}\n' for key in "abcdab"), encoding="utf-8")
    summary = annotate(tmp_path / "a.jsonl", tmp_path / "out", pipeline=pipeline, on=engine)
    assert sorted(summary.reasons.items()) == [
        ("other reasons", 2),
        ("the key 'text' is missing; keys: 'a'", 2),
        ("the key 'text' is missing; keys: 'b'", 2),
    ]


def test_stop_looks_at_documents_that_were_skipped_before(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None])
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    with pytest.raises(CorpusError, match=r"corpus\.jsonl:6"):
        annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, on_error="stop")


@pytest.mark.parametrize("depth", [98, 99, 100])
def test_deep_values_are_carried_or_refused(tmp_path: Path, pipeline: Path, engine: InProcess, depth: int) -> None:
    source = tmp_path / "corpus.jsonl"
    source.write_text('{"text": "iron", "x": ' + "[" * depth + "]" * depth + "}\n", encoding="utf-8")
    summary = annotate(source, tmp_path / "out.jsonl", pipeline=pipeline, on=engine)
    assert summary.counts.errors == (depth == 100)
