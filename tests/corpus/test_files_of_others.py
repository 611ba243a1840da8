"""Files in the destination that no run wrote are not replaced."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spacy_lambda.corpus import Progress, annotate
from spacy_lambda.errors import CorpusError
from tests.corpus.engines import InProcess
from tests.corpus.files import TEXTS, content, raise_interrupt, write_jsonl


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
