"""A corpus in, the annotated corpus out: every document once, whatever happens meanwhile."""

from __future__ import annotations

import gzip
import json
import os
import platform
import sys
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


def test_worker_processes_give_the_same_bytes(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None, 3] * 20)
    seen: list[Progress] = []
    first = annotate(source, tmp_path / "one", pipeline=pipeline, on=engine, shard_bytes=1500)
    second = annotate(source, tmp_path / "two", pipeline=pipeline, workers=2, shard_bytes=1500, on_progress=seen.append)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert (second.counts, second.shards) == (first.counts, first.shards)
    assert seen[-1].documents == 140


@pytest.mark.parametrize("after", range(5))
def test_an_interrupted_run_resumes(tmp_path: Path, pipeline: Path, engine: InProcess, after: int) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None] * 10)
    annotate(source, tmp_path / "whole", pipeline=pipeline, on=engine, shard_bytes=1000)
    interrupted = InProcess(pipeline, fail_after=after)
    with pytest.raises(KeyboardInterrupt):
        annotate(source, tmp_path / "out", pipeline=pipeline, on=interrupted, shard_bytes=1000)
    resumed = InProcess(pipeline)
    summary = annotate(source, tmp_path / "out", pipeline=pipeline, on=resumed, shard_bytes=1000)
    assert interrupted.names + resumed.names == engine.names
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert summary.counts.documents == 60
    assert (summary.resumed > 0) == (after > 0)


@pytest.mark.parametrize("damage", ["part", "byte", "record"])
def test_a_shard_that_is_not_whole_is_annotated_again(
    tmp_path: Path, pipeline: Path, engine: InProcess, damage: str
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS * 10)
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, shard_bytes=1000)
    before = content(tmp_path / "out")
    name = engine.names[1]
    if damage == "part":
        (tmp_path / "out" / f"{name}.jsonl").write_bytes(b"{}\n")
    elif damage == "byte":
        path = tmp_path / "out" / f"{name}.jsonl"
        path.write_bytes(path.read_bytes().replace(b"iron", b"Iron"))
    else:
        (tmp_path / "out" / "_annotate" / "shards" / f"{name}.json").unlink()
    again = InProcess(pipeline)
    annotate(source, tmp_path / "out", pipeline=pipeline, on=again, shard_bytes=1000)
    assert again.names == [name]
    assert content(tmp_path / "out") == before


def test_changed_documents_are_reported(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    write_jsonl(source, [*TEXTS[:-1], "iron"])
    with pytest.raises(CorpusError, match=r"changed .* corpus\.jsonl-00000 are not those"):
        annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, force=True)
    assert results(tmp_path / "out")[-1]["text"] == "iron"


def test_a_removed_file_is_reported(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write_jsonl(tmp_path / "corpus" / name, TEXTS)
    annotate(tmp_path / "corpus", tmp_path / "out", pipeline=pipeline, on=engine)
    (tmp_path / "corpus" / "b.jsonl").unlink()
    with pytest.raises(CorpusError, match=r"b\.jsonl-00000, are missing from the corpus"):
        annotate(tmp_path / "corpus", tmp_path / "out", pipeline=pipeline, on=engine)


def test_a_new_file_is_added(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    write_jsonl(tmp_path / "corpus" / "b.jsonl", TEXTS)
    annotate(tmp_path / "corpus", tmp_path / "out", pipeline=pipeline, on=engine)
    write_jsonl(tmp_path / "corpus" / "a.jsonl", TEXTS)
    summary = annotate(tmp_path / "corpus", tmp_path / "out", pipeline=pipeline, on=engine)
    assert engine.names == ["b.jsonl-00000", "a.jsonl-00000"]
    assert (summary.resumed, summary.counts.documents) == (5, 10)


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


@pytest.mark.parametrize("destination", ["out", "out.jsonl", "out.csv"])
def test_a_complete_run_that_is_repeated_does_nothing(
    tmp_path: Path, pipeline: Path, engine: InProcess, destination: str
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None] * 10)
    first = annotate(source, tmp_path / destination, pipeline=pipeline, on=engine, shard_bytes=1000)
    before, again = content(tmp_path), InProcess(pipeline)
    second = annotate(source, tmp_path / destination, pipeline=pipeline, on=again)
    assert (again.names, content(tmp_path)) == ([], before)
    assert (second.resumed, second.annotated, second.documents_per_second) == (60, 0, None)
    assert (second.counts, second.shards, second.errors_file, second.reasons) == (
        first.counts,
        first.shards,
        first.errors_file,
        first.reasons,
    )
    with pytest.raises(CorpusError, match=r"results of other settings: --labels was not set and is MATERIAL\n"):
        annotate(source, tmp_path / destination, pipeline=pipeline, on=again, labels=["MATERIAL"])
    with pytest.raises(CorpusError, match=r"corpus\.jsonl:6"):
        annotate(source, tmp_path / destination, pipeline=pipeline, on=again, on_error="stop")
    write_jsonl(source, [*TEXTS, None] * 9)
    with pytest.raises(CorpusError, match="the corpus has changed"):
        annotate(source, tmp_path / destination, pipeline=pipeline, on=again)
    assert content(tmp_path) == {**before, "corpus.jsonl": source.read_bytes()}


@pytest.mark.parametrize("changed", ["out.jsonl", "out.errors.jsonl", ".out.jsonl.annotate.json"])
def test_one_file_that_is_not_as_it_was_written_is_refused(
    tmp_path: Path, pipeline: Path, engine: InProcess, changed: str
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None])
    annotate(source, tmp_path / "out.jsonl", pipeline=pipeline, on=engine)
    (tmp_path / changed).write_bytes((tmp_path / changed).read_bytes().swapcase())
    with pytest.raises(CorpusError, match=r"out\.jsonl exists"):
        annotate(source, tmp_path / "out.jsonl", pipeline=pipeline, on=engine)
    annotate(source, tmp_path / "out.jsonl", pipeline=pipeline, on=engine, force=True)


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
    source.write_bytes(b'{"text": "iron"}\n{bad\n[]\n{"txt": "a"}\n\n{"text": null, "id": 7}\n{"text": "\\ud800"}\n')
    summary = annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    errors = [json.loads(line) for line in (tmp_path / "out" / "_errors.jsonl").read_bytes().splitlines()]
    assert summary.counts.errors == 5
    assert [(error["id"], error["number"]) for error in errors] == [
        ("corpus.jsonl:2", 2),
        ("corpus.jsonl:3", 3),
        ("corpus.jsonl:4", 4),
        (7, 6),
        ("corpus.jsonl:7", 7),
    ]
    assert "the key 'text' is missing; keys: 'txt'" in errors[2]["error"]["errorMessage"]
    with pytest.raises(CorpusError, match=r"corpus\.jsonl:2: the line is not valid JSON"):
        annotate(source, tmp_path / "stopped", pipeline=pipeline, on=engine, on_error="stop")


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
    summary = annotate(source, tmp_path / "out", pipeline=pipeline, workers=1, labels=["MATERIAL"])
    assert [[entity["text"] for entity in line["ents"]] for line in results(tmp_path / "out")] == [["iron"], []]
    assert (summary.counts.entities, summary.counts.empty) == ({"MATERIAL": 1}, 1)


def test_a_broken_pipeline_ends_the_run(tmp_path: Path, pipeline: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in pipeline.iterdir():
        if path.is_file():
            (broken / path.name).write_bytes(path.read_bytes())
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    with pytest.raises(CorpusError, match="does not load"):
        annotate(source, tmp_path / "out", pipeline=broken, workers=1)


def test_reasons_are_counted(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [None, None, "a" * 1_000_001, "b" * 1_000_002, "iron"])
    summary = annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    assert summary.counts.errors == 4
    assert summary.reasons == {
        "the text is null, not a string": 2,
        "the text has 1,000,001 characters; the limit is 1,000,000": 2,
    }


def test_a_long_text_is_split(tmp_path: Path, pipeline: Path) -> None:
    text = "Iron and heat. " * 100_000
    source = write_jsonl(tmp_path / "corpus.jsonl", [text])
    on = InProcess(pipeline, AnnotateOptions(long_text="split"))
    summary = annotate(source, tmp_path / "out", pipeline=pipeline, on=on, long_text="split")
    assert summary.counts.errors == 0
    assert summary.counts.entities == {"PROCESS": 100_000}


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


def test_another_corpus_changes_nothing(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    first, second = (write_jsonl(tmp_path / name, TEXTS) for name in ("a.jsonl", "b.jsonl"))
    annotate(first, tmp_path / "out", pipeline=pipeline, on=engine)
    before = content(tmp_path / "out")
    with pytest.raises(CorpusError, match="missing from the corpus"):
        annotate(second, tmp_path / "out", pipeline=pipeline, on=engine)
    assert content(tmp_path / "out") == before
    assert annotate(first, tmp_path / "out", pipeline=pipeline, on=engine).resumed == 5


@pytest.mark.parametrize("name", ["_errors.jsonl", "other-00000.jsonl"])
def test_files_of_others_are_not_replaced(tmp_path: Path, pipeline: Path, engine: InProcess, name: str) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    own = write_jsonl(tmp_path / "out" / name, ["mine"])
    for force in (False, True):
        with pytest.raises(CorpusError, match=f"out/{name} exists, and is not recorded") as info:
            annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, force=force)
        assert info.value.remedy.endswith("move or delete the file; --force does not replace it")
        assert list((tmp_path / "out").iterdir()) == [own]


def test_files_with_other_names_are_no_obstacle(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    own = write_jsonl(tmp_path / "out" / "notes.jsonl", ["mine"])
    before = own.read_bytes()
    for force in (False, True):
        annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, force=force)
    assert own.read_bytes() == before


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_force_does_not_replace_files_with_the_names_of_results(
    tmp_path: Path, pipeline: Path, engine: InProcess, form: str
) -> None:
    first, second = (write_jsonl(tmp_path / name, TEXTS) for name in ("a.jsonl", "b.jsonl"))
    annotate(first, tmp_path / "out", pipeline=pipeline, on=engine, output_format=form)
    own = tmp_path / "out" / f"b.jsonl-00001.{form}"
    own.write_bytes(b"mine")
    before = content(tmp_path / "out")
    with pytest.raises(CorpusError, match=r"b\.jsonl-00001\.\w+ exists"):
        annotate(second, tmp_path / "out", pipeline=pipeline, on=engine, output_format=form, force=True)
    assert content(tmp_path / "out") == before


@pytest.mark.parametrize("name", ["mine.jsonl", "mine.errors.jsonl"])
def test_one_file_of_others_is_not_replaced(tmp_path: Path, pipeline: Path, engine: InProcess, name: str) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    own = write_jsonl(tmp_path / name, ["mine"])
    before = content(tmp_path)
    for force in (False, True):
        with pytest.raises(CorpusError, match=f"/{name} exists, and is not recorded") as info:
            annotate(source, tmp_path / "mine.jsonl", pipeline=pipeline, on=engine, force=force)
        assert info.value.remedy.endswith("move or delete the file; --force does not replace it")
        assert content(tmp_path) == before
    assert (own.exists(), engine.names) == (True, [])


def test_a_file_of_errors_that_the_record_lacks_is_not_removed(
    tmp_path: Path, pipeline: Path, engine: InProcess
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    annotate(source, tmp_path / "all.jsonl", pipeline=pipeline, on=engine)
    own = write_jsonl(tmp_path / "all.errors.jsonl", ["mine"])
    with pytest.raises(CorpusError, match=r"all\.errors\.jsonl exists"):
        annotate(source, tmp_path / "all.jsonl", pipeline=pipeline, on=engine, force=True)
    assert own.exists()


def test_one_file_that_appears_during_the_run_is_not_replaced(
    tmp_path: Path, pipeline: Path, engine: InProcess
) -> None:
    source, own = write_jsonl(tmp_path / "corpus.jsonl", TEXTS), tmp_path / "all.jsonl"

    def meanwhile(progress: Progress) -> None:
        write_jsonl(own, ["mine"])

    for _ in range(2):
        with pytest.raises(CorpusError, match=r"all\.jsonl exists, and is not recorded"):
            annotate(source, own, pipeline=pipeline, on=engine, on_progress=meanwhile)
    assert json.loads(own.read_bytes()) == {"text": "mine"}
    own.unlink()
    assert annotate(source, own, pipeline=pipeline, on=engine).resumed == 5
    assert len(engine.names) == 1


@pytest.mark.parametrize("again", [False, True])
def test_one_file_whose_run_was_killed_while_it_was_written(
    tmp_path: Path, pipeline: Path, engine: InProcess, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None])
    monkeypatch.setattr("spacy_lambda.corpus.job.complete_run", raise_interrupt)
    with pytest.raises(KeyboardInterrupt):
        annotate(source, tmp_path / "all.jsonl", pipeline=pipeline, on=engine)
    monkeypatch.undo()
    annotate(source, tmp_path / "all.jsonl", pipeline=pipeline, on=engine, force=again)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("corpus.jsonl", "all.jsonl", "all.errors.jsonl", ".all.jsonl.annotate.json")
    }


def test_another_format_is_another_run(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    with pytest.raises(CorpusError, match="--to was jsonl and is csv"):
        annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, output_format="csv")
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, output_format="csv", force=True)
    assert content(tmp_path / "out").keys() == {"corpus.jsonl-00000.csv"}


def test_damaged_errors_are_made_again(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None])
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    before = content(tmp_path / "out")
    (tmp_path / "out" / "_annotate" / "errors" / "corpus.jsonl-00000.jsonl").write_bytes(b'{"x')
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    assert content(tmp_path / "out") == before


@pytest.mark.parametrize("damaged", [b"[]", b"null", b"{", b"", b"\xff"])
def test_a_damaged_run_can_be_begun_again(tmp_path: Path, pipeline: Path, engine: InProcess, damaged: bytes) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    (tmp_path / "out" / "_annotate" / "run.json").write_bytes(damaged)
    with pytest.raises(CorpusError) as raised:
        annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    assert "--force" in raised.value.remedy
    assert annotate(source, tmp_path / "out", pipeline=pipeline, on=engine, force=True).counts.documents == 5


@pytest.mark.parametrize("counts", [{"documents": "x"}, {"documents": -5}, {"entities": {"A": "x"}}, {"entities": [1]}])
def test_a_damaged_record_is_reported(
    tmp_path: Path, pipeline: Path, engine: InProcess, counts: dict[str, Any]
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    path = tmp_path / "out" / "_annotate" / "shards" / "corpus.jsonl-00000.json"
    record = json.loads(path.read_bytes())
    path.write_text(json.dumps({**record, "counts": {**record["counts"], **counts}}), encoding="utf-8")
    with pytest.raises(CorpusError, match="is invalid"):
        annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)


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


@pytest.mark.parametrize("destination", ["out", "out.jsonl"])
def test_a_second_run_into_a_destination_is_refused(
    tmp_path: Path, pipeline: Path, engine: InProcess, destination: str
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    refused = []

    def meanwhile(progress: Progress) -> None:
        with pytest.raises(CorpusError, match=f"is being annotated by process {os.getpid()} on {platform.node()}"):
            annotate(source, tmp_path / destination, pipeline=pipeline, on=InProcess(pipeline))
        refused.append(progress)

    summary = annotate(source, tmp_path / destination, pipeline=pipeline, on=engine, on_progress=meanwhile)
    assert (len(refused), summary.counts.documents) == (1, 5)
    assert not list(tmp_path.rglob(".lock"))


def test_a_lock_that_a_killed_process_leaves_is_taken(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    lock = tmp_path / "out" / "_annotate" / ".lock"
    lock.parent.mkdir(parents=True)
    lock.write_bytes(b"{")
    assert annotate(source, tmp_path / "out", pipeline=pipeline, on=engine).counts.documents == 5
    assert not lock.exists()


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_force_removes_what_a_killed_process_left(
    tmp_path: Path, pipeline: Path, engine: InProcess, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    first, second = (write_jsonl(tmp_path / name, [*TEXTS, None]) for name in ("a.jsonl", "b.jsonl"))
    monkeypatch.setattr("spacy_lambda.corpus.job.write_record", raise_interrupt)
    with pytest.raises(KeyboardInterrupt):
        annotate(first, tmp_path / "out", pipeline=pipeline, on=engine, output_format=form)
    monkeypatch.undo()
    own = write_jsonl(tmp_path / "out" / "mine-00000.jsonl", ["mine"])
    annotate(second, tmp_path / "out", pipeline=pipeline, on=engine, output_format=form, force=True)
    assert content(tmp_path / "out").keys() == {f"b.jsonl-00000.{form}", "_errors.jsonl", own.name}
    assert not list((tmp_path / "out" / "_annotate").rglob("a.jsonl*"))


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_shards_with_errors_are_annotated_again(tmp_path: Path, pipeline: Path, engine: InProcess, form: str) -> None:
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    for name, texts in (("a.jsonl", TEXTS), ("b.jsonl", ["iron", None]), ("c.jsonl", [None, "heat"])):
        write_jsonl(corpus / name, texts)
    annotate(corpus, out, pipeline=pipeline, on=engine, output_format=form)
    again = InProcess(pipeline)
    assert annotate(corpus, out, pipeline=pipeline, on=again, output_format=form).counts.errors == 2
    assert again.names == []
    write_jsonl(corpus / "b.jsonl", ["iron", "glass"])
    summary = annotate(corpus, out, pipeline=pipeline, on=again, output_format=form, retry_errors=True)
    assert again.names == ["b.jsonl-00000", "c.jsonl-00000"]
    assert (summary.counts.errors, summary.resumed, summary.annotated) == (1, 5, 4)
    assert len((out / "_errors.jsonl").read_bytes().splitlines()) == 1
    assert b"glass" in (out / f"b.jsonl-00000.{form}").read_bytes()
    assert [path.name for path in (out / "_annotate" / "errors").iterdir()] == ["c.jsonl-00000.jsonl"]
    (corpus / "c.jsonl").unlink()
    with pytest.raises(CorpusError, match=r"c\.jsonl-00000, are missing from the corpus"):
        annotate(corpus, out, pipeline=pipeline, on=again, output_format=form, retry_errors=True)


def test_errors_are_not_retried_where_shards_are_not_kept(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None])
    annotate(source, tmp_path / "all.jsonl", pipeline=pipeline, on=engine)
    with pytest.raises(CorpusError, match="results of single shards are not kept"):
        annotate(source, tmp_path / "all.jsonl", pipeline=pipeline, on=engine, retry_errors=True)
    with pytest.raises(CorpusError, match="--retry-errors is not for Lambda"):
        annotate(source, tmp_path / "out", function="ner", retry_errors=True)


def raise_interrupt(*arguments: Any) -> None:
    raise KeyboardInterrupt


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
