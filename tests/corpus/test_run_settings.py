"""Settings of a run: invalid ones are refused before anything is written, and a run continues with its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.corpus import annotate
from spacy_lambda.errors import CorpusError
from tests.corpus.engines import InProcess
from tests.corpus.files import TEXTS, content, write_jsonl


def test_other_settings_are_refused(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    with pytest.raises(CorpusError, match=r"results of other settings: --include was ents and is ents,sents\n"):
        annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, include=["ents", "sents"])


def test_settings_of_a_run_that_did_nothing_are_replaced(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = tmp_path / "corpus.csv"
    source.write_bytes(b"body\niron\n")
    with pytest.raises(CorpusError, match="the column 'text' is missing"):
        annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    summary = annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, text_column="body")
    assert summary.counts.entities == {"MATERIAL": 1}
    with pytest.raises(CorpusError, match="--text-column was body and is text"):
        annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"include": "ents"}, "include is the string 'ents'"),
        ({"include": ["ents", "entities"]}, "include has 'entities'"),
        ({"include": []}, "include is empty"),
        ({"labels": "TASK"}, "labels is the string 'TASK'"),
        ({"long_text": "cut"}, "long_text is 'cut'"),
    ],
)
def test_invalid_options_are_refused_before_anything_is_written(
    tmp_path: Path, pipeline: Path, options: dict[str, Any], message: str
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    with pytest.raises(CorpusError, match=message):
        annotate(source, tmp_path / "out", pipeline=pipeline, **options)
    assert not (tmp_path / "out").exists()


def test_a_format_without_its_library_is_refused_before_anything_is_written(
    tmp_path: Path, pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jsonl(tmp_path / "in.jsonl", TEXTS)
    monkeypatch.delitem(sys.modules, "spacy_lambda.corpus.formats.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for source, destination in (("in.jsonl", "out.parquet"), ("in.parquet", "out.jsonl")):
        (tmp_path / "in.parquet").touch()
        with pytest.raises(ModuleNotFoundError, match="pyarrow"):
            annotate([str(tmp_path / source)], tmp_path / destination, pipeline=pipeline)
    assert sorted(os.listdir(tmp_path)) == ["in.jsonl", "in.parquet"]


def test_standard_output_is_refused(tmp_path: Path, pipeline: Path) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    with pytest.raises(CorpusError, match="standard output"):
        annotate(source, "-", pipeline=pipeline)


def test_another_format_is_another_run(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    with pytest.raises(CorpusError, match="--to was jsonl and is csv"):
        annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, output_format="csv")
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, output_format="csv", force=True)
    assert content(tmp_path / "out").keys() == {"corpus.jsonl-00000.csv"}
