"""A corpus in, the annotated corpus out: every document once, whatever happens meanwhile."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.core.annotation import AnnotateOptions
from spacy_lambda.corpus import Progress, annotate
from spacy_lambda.errors import CorpusError
from tests.corpus.engines import InProcess
from tests.corpus.files import TEXTS, content, results, write_jsonl


def test_every_document_in_order(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS * 20)
    summary = annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, shard_bytes=1500)
    found = results(tmp_path / "out")
    assert [line["text"] for line in found] == TEXTS * 20
    assert [line["id"] for line in found] == [f"corpus.jsonl:{number}" for number in range(1, 101)]
    assert found[1]["ents"] == [
        {"text": "iron", "label": "MATERIAL", "start": 0, "end": 4},
        {"text": "silicon", "label": "MATERIAL", "start": 9, "end": 16},
    ]
    assert summary.shards == len(engine.names) > 3
    assert (summary.counts.documents, summary.counts.errors, summary.counts.empty) == (100, 0, 20)
    assert summary.counts.entities == {"MATERIAL": 80, "PROCESS": 20}
    assert summary.errors_file is None


@pytest.mark.slow
def test_worker_processes_give_the_same_bytes(tmp_path: Path, pipeline: Path) -> None:
    """With an option, which they are given."""
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None, 3] * 20)
    seen: list[Progress] = []
    engine = InProcess(pipeline, AnnotateOptions(labels=("MATERIAL",)))
    options: dict[str, Any] = {"pipeline": pipeline, "labels": ["MATERIAL"], "shard_bytes": 1500}
    first = annotate(source, tmp_path / "one", on=engine, **options)
    second = annotate(source, tmp_path / "two", workers=2, on_progress=seen.append, **options)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert (second.counts, second.shards) == (first.counts, first.shards)
    assert second.counts.entities == {"MATERIAL": 80}
    assert seen[-1].documents == 140


def test_one_file_as_destination(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None] * 10)
    folder = tmp_path / "out"
    annotate(source, folder / "folder", pipeline=pipeline, on=engine, shard_bytes=1000)
    summary = annotate(source, folder / "all.jsonl", pipeline=pipeline, on=engine, shard_bytes=1000)
    lines = [json.loads(line) for line in (folder / "all.jsonl").read_bytes().splitlines()]
    assert lines == results(folder / "folder")
    assert summary.errors_file == "all.errors.jsonl"
    assert (folder / "all.errors.jsonl").read_bytes() == (folder / "folder" / "_errors.jsonl").read_bytes()
    assert {path.name for path in folder.iterdir()} == {
        "folder",
        "all.jsonl",
        "all.errors.jsonl",
        ".all.jsonl.annotate.json",
    }
    annotate(source, folder / "all.jsonl", pipeline=pipeline, on=engine, force=True)


def test_keys_of_the_input_are_carried_along(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    line = {"id": "x1", "text": "iron", "meta": {"n": 1}, "ents": [1], "input_ents": 2, "tokens": []}
    source = tmp_path / "corpus.jsonl"
    source.write_text(json.dumps(line), encoding="utf-8")
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    (found,) = results(tmp_path / "out")
    assert found.pop("ents") == [{"text": "iron", "label": "MATERIAL", "start": 0, "end": 4}]
    assert found == {
        "id": "x1",
        "text": "iron",
        "meta": {"n": 1},
        "input_input_ents": [1],
        "input_ents": 2,
        "input_tokens": [],
    }


def test_only_the_labels_that_are_asked_for(tmp_path: Path, pipeline: Path) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", ["iron and heat", "heat"])
    engine = InProcess(pipeline, AnnotateOptions(labels=("MATERIAL",)))
    summary = annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, labels=["MATERIAL"])
    assert [[entity["text"] for entity in line["ents"]] for line in results(tmp_path / "out")] == [["iron"], []]
    assert (summary.counts.entities, summary.counts.empty) == ({"MATERIAL": 1}, 1)


@pytest.mark.slow
def test_a_broken_pipeline_ends_the_run(tmp_path: Path, pipeline: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in pipeline.iterdir():
        if path.is_file():
            (broken / path.name).write_bytes(path.read_bytes())
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    with pytest.raises(CorpusError, match="does not load"):
        annotate(source, tmp_path / "out", pipeline=broken, workers=1)


@pytest.mark.slow
def test_a_long_text_is_split(tmp_path: Path, pipeline: Path) -> None:
    text = f"Iron and heat {'x' * 85}. " * 15_000
    source = write_jsonl(tmp_path / "corpus.jsonl", [text])
    on = InProcess(pipeline, AnnotateOptions(long_text="split"))
    summary = annotate(source, tmp_path / "out", pipeline=pipeline, on=on, long_text="split")
    assert summary.counts.errors == 0
    assert summary.counts.entities == {"PROCESS": 15_000}


@pytest.mark.slow
def test_progress_is_extrapolated(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS * 1000)
    packed = tmp_path / "corpus.jsonl.gz"
    packed.write_bytes(gzip.compress(source.read_bytes(), compresslevel=0))
    seen: list[Progress] = []
    summary = annotate(
        packed, tmp_path / "out", pipeline=pipeline, on=engine, shard_bytes=20_000, on_progress=seen.append
    )
    assert all(abs((one.total_documents or 0) - 5_000) < 2_500 for one in seen[len(seen) // 2 :])
    assert seen[-1].total_documents == 5_000
    assert seen[-1].remaining_seconds == 0
    assert 0 < summary.annotating_seconds <= summary.seconds
