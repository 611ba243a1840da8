"""Runs that continue: what is complete is kept, what is damaged or missing is annotated again."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.corpus import Progress, annotate
from spacy_lambda.corpus.destination import FolderDestination
from spacy_lambda.errors import CorpusError
from tests.corpus.engines import InProcess
from tests.corpus.files import TEXTS, content, raise_interrupt, results, write_jsonl


@pytest.mark.parametrize("after", [0, 1, 4])
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
    with pytest.raises(CorpusError, match=r"missing from the corpus: 1 shard, such as .*b\.jsonl-00000"):
        annotate(tmp_path / "corpus", tmp_path / "out", pipeline=pipeline, on=engine)


def test_a_new_file_is_added(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    write_jsonl(tmp_path / "corpus" / "b.jsonl", TEXTS)
    annotate(tmp_path / "corpus", tmp_path / "out", pipeline=pipeline, on=engine)
    write_jsonl(tmp_path / "corpus" / "a.jsonl", TEXTS)
    summary = annotate(tmp_path / "corpus", tmp_path / "out", pipeline=pipeline, on=engine)
    assert engine.names == ["b.jsonl-00000", "a.jsonl-00000"]
    assert (summary.resumed, summary.counts.documents) == (5, 10)


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
    path.write_bytes(b'{"name": ')
    with pytest.raises(CorpusError, match="cannot be read as JSON") as caught:
        annotate(source, tmp_path / "out", pipeline=pipeline, on=engine)
    assert str(caught.value).count("remedy") == 1


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


@pytest.mark.parametrize("destination", ["out", "out.jsonl"])
def test_hidden_files_that_a_killed_process_leaves_are_removed(
    tmp_path: Path, pipeline: Path, destination: str
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    with pytest.raises(KeyboardInterrupt):
        annotate(source, tmp_path / destination, pipeline=pipeline, on=InProcess(pipeline, fail_after=1), shard_bytes=1)
    work, final = (tmp_path / "out",) * 2 if destination == "out" else (tmp_path / "out.jsonl.annotate", tmp_path)
    part = "corpus.jsonl-00000.jsonl" if destination == "out" else "_annotate/parts/corpus.jsonl-00000.jsonl"
    output = "_errors.jsonl" if destination == "out" else "out.jsonl"
    left = [work / part, work / "_annotate" / "run.json", work / "_annotate/shards/x-00000.json", final / output]
    for path in left:
        path.with_name(f".{path.name}.ab_12xyz").write_bytes(b"half")
    own = [final / ".notes.jsonl.ab_12xyz", final / f".{output}.backup", final / "ab_12xyz"]
    for path in own:
        path.write_bytes(b"")
    annotate(source, tmp_path / destination, pipeline=pipeline, on=InProcess(pipeline), shard_bytes=1)
    found = {path for path in tmp_path.rglob("*ab_12xyz") if path.is_file()} | {own[1]}
    assert found == set(own)


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
    with pytest.raises(CorpusError, match=r"missing from the corpus: 1 shard, such as .*c\.jsonl-00000"):
        annotate(corpus, out, pipeline=pipeline, on=again, output_format=form, retry_errors=True)


def test_errors_are_not_retried_where_shards_are_not_kept(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None])
    annotate(source, tmp_path / "all.jsonl", pipeline=pipeline, on=engine)
    with pytest.raises(CorpusError, match="results of single shards are not kept"):
        annotate(source, tmp_path / "all.jsonl", pipeline=pipeline, on=engine, retry_errors=True)
    with pytest.raises(CorpusError, match="--retry-errors is not for Lambda"):
        annotate(source, tmp_path / "out", function="ner", retry_errors=True)


def interrupt_before(patch: pytest.MonkeyPatch, number: int) -> None:
    """Interrupt a run before the step of this number that changes the destination."""
    steps = count()
    for name in ("writing", "remove", "remove_folder"):
        original = getattr(FolderDestination, name)

        def step(*arguments: Any, original: Callable[..., Any] = original) -> Any:
            if next(steps) == number:
                raise_interrupt()
            return original(*arguments)

        patch.setattr(FolderDestination, name, step)


def test_a_forced_run_that_is_killed_anywhere_begins_again(
    tmp_path: Path, pipeline: Path, engine: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None]), tmp_path / "out"
    annotate(source, out, pipeline=pipeline, on=engine)
    expected = content(out)
    for number in count():
        with monkeypatch.context() as patch:
            interrupt_before(patch, number)
            with suppress(KeyboardInterrupt):
                annotate(source, out, pipeline=pipeline, on=engine, force=True)
                break
        annotate(source, out, pipeline=pipeline, on=engine, force=True)
        assert content(out) == expected
    assert number > 8


def test_one_file_leaves_nothing_beside_it_wherever_its_run_is_killed(
    tmp_path: Path, pipeline: Path, engine: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    for number in count():
        out = tmp_path / str(number)
        with monkeypatch.context() as patch:
            interrupt_before(patch, number)
            with suppress(KeyboardInterrupt):
                annotate(source, out / "out.jsonl", pipeline=pipeline, on=engine)
                break
        annotate(source, out / "out.jsonl", pipeline=pipeline, on=engine)
        assert {path.name for path in out.iterdir()} == {"out.jsonl", ".out.jsonl.annotate.json"}
    assert number > 8
