"""Compiling as a whole: the written files, which appear whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import spacy

from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.provenance import source_hash
from spacy_lambda.errors import CompileError, VerifyError
from spacy_lambda.packages.task_root import build_task_root
from tests.compiler.originals import TEXTS
from tests.compiler.pipelines import blank, unproved

LOAD = """
import importlib.util, json, sys
import spacy
assert importlib.util.find_spec("torch") is None
nlp = spacy.load(sys.argv[1])
print(json.dumps([[ent.text, ent.label_] for ent in nlp(sys.argv[2]).ents]))
"""


def test_the_written_files(original: Callable[..., Path], tmp_path: Path) -> None:
    source = original()
    steps: list[str] = []
    meta = compile_pipeline(str(source), tmp_path / "out", on_step=lambda step, done, total: steps.append(step))
    written = json.loads((tmp_path / "out" / "meta.json").read_text())
    assert written["spacy_lambda"] == meta.to_dict()
    assert meta.speed is not None
    assert (meta.speed["unit"], meta.speed["seconds_per_1000_units"] > 0) == ("wordpieces", True)
    assert meta.source_name == "xx_pipeline"
    assert meta.source_sha256 == source_hash(source)
    assert meta.precision == "fp32"
    assert (meta.encoders["transformer"]["window"], meta.encoders["transformer"]["stride"]) == (24, 16)
    assert {"spacy", "torch", "onnxruntime"} <= meta.tools.keys()
    assert any(requirement.startswith("spacy-lambda") for requirement in written["requirements"])
    assert not any("torch" in requirement or "transformers" in requirement for requirement in written["requirements"])
    assert {"loading", "checking"} <= set(steps)
    assert (source / "ner" / "model").read_bytes() == (tmp_path / "out" / "ner" / "model").read_bytes()
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_it_loads_with_the_base_install_only(original: Callable[..., Path], tmp_path: Path) -> None:
    source = original()
    compile_pipeline(str(source), tmp_path / "out", prove=unproved)
    base = build_task_root()
    done = subprocess.run(
        [sys.executable, "-S", "-s", "-c", LOAD, str(tmp_path / "out"), TEXTS[0]],
        env={"PYTHONPATH": str(base.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    base.remove()
    assert done.returncode == 0, done.stderr
    expected = [[ent.text, ent.label_] for ent in spacy.load(source)(TEXTS[0]).ents]
    assert expected
    assert json.loads(done.stdout) == expected


def test_a_pipeline_without_a_transformer_is_copied_unchanged(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "source")
    meta = compile_pipeline(str(tmp_path / "source"), tmp_path / "out", precision="int8", prove=unproved)
    assert meta.encoders == {}
    assert spacy.load(tmp_path / "out").pipe_names == ["sentencizer"]


def test_figures_are_stored(original: Callable[..., Path], tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    meta = compile_pipeline(str(original()), tmp_path / "out", verify=texts, prove=unproved)
    assert meta.verification is not None
    assert meta.verification["documents"] == meta.verification["identical_documents"] == len(TEXTS)
    assert json.loads((tmp_path / "out" / "meta.json").read_text())["spacy_lambda"]["verification"]


def test_calibration_texts_are_counted(original: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXTS[0])
    meta = compile_pipeline(
        str(original()), tmp_path / "out", precision="int8", calibrate=tmp_path / "text.txt", prove=unproved
    )
    assert meta.encoders["transformer"]["calibration_texts"] == 1
    assert 0 < meta.encoders["transformer"]["relative_error"] < 0.2


def test_out_that_exists_is_left_alone(original: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("mine")
    with pytest.raises(CompileError) as caught:
        compile_pipeline(str(original()), out)
    assert "--force" in caught.value.remedy
    assert (out / "mine").read_text() == "mine"
    with pytest.raises(CompileError, match="is not a pipeline, so --force does not replace it"):
        compile_pipeline(str(original()), out, force=True)
    assert (out / "mine").read_text() == "mine"


def test_force_replaces_a_pipeline(original: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(original(), out)
    (out / "mine").write_text("mine")
    compile_pipeline(str(original()), out, force=True, prove=unproved)
    assert not (out / "mine").exists()
    assert (out / "config.cfg").is_file()
    assert os.listdir(tmp_path) == ["out"]


def test_out_may_not_be_the_original_or_around_it(original: Callable[..., Path]) -> None:
    source = original()
    for out in (source, source.parent):
        with pytest.raises(CompileError, match="holds the original"):
            compile_pipeline(str(source), out, force=True)
    assert (source / "config.cfg").is_file()


def test_out_may_not_lie_in_the_original_nor_around_other_inputs(original: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="inside the original"):
        compile_pipeline(str(original()), original() / "ner" / "out")
    assert not (original() / "ner" / "out").exists()
    out = tmp_path / "out"
    shutil.copytree(original(), out)
    (out / "own.py").write_text("")
    with pytest.raises(CompileError, match=r"holds .*own\.py"):
        compile_pipeline(str(original()), out, code=[out / "own.py"], force=True)
    assert (out / "own.py").exists()


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    blank(tmp_path / "source")
    blank(tmp_path / "kept")
    (tmp_path / "kept" / "mine").write_text("mine")
    (tmp_path / "link").symlink_to("kept")
    compile_pipeline(str(tmp_path / "source"), tmp_path / "link", force=True, prove=unproved)
    assert (tmp_path / "link").is_symlink()
    assert not (tmp_path / "kept" / "mine").exists()
    assert "spacy_lambda" in json.loads((tmp_path / "kept" / "meta.json").read_text())


@pytest.mark.parametrize("error", [OSError("no space left on device"), KeyboardInterrupt()], ids=["full", "interrupt"])
@pytest.mark.parametrize("at", ["writing", "proving"])
def test_nothing_is_left_at_any_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, at: str
) -> None:
    def fail(*args: object, **settings: object) -> NoReturn:
        raise error

    source = blank(tmp_path / "source")
    if at == "writing":
        monkeypatch.setattr(shutil, "copytree", fail)
    with pytest.raises((CompileError, KeyboardInterrupt)):
        compile_pipeline(str(source), tmp_path / "some" / "where" / "out", prove=fail)
    assert os.listdir(tmp_path) == ["source"]


def test_the_previous_output_is_restored_when_the_last_rename_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = blank(tmp_path / "source"), blank(tmp_path / "out")
    replace = os.replace
    calls: list[int] = []

    def fail_once(*paths: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise OSError("input/output error")
        replace(*paths)

    monkeypatch.setattr(os, "replace", fail_once)
    with pytest.raises(CompileError, match="input/output error"):
        compile_pipeline(str(source), out, force=True, prove=unproved)
    assert sorted(os.listdir(tmp_path)) == ["out", "source"]
    assert "spacy_lambda" not in json.loads((out / "meta.json").read_text())


def test_nothing_appears_when_compiling_fails(
    original: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **settings: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(shutil, "copytree", fail)
    with pytest.raises(CompileError, match="no space left"):
        compile_pipeline(str(original()), tmp_path / "out")
    assert os.listdir(tmp_path) == []


def test_texts_are_looked_for_before_the_work_begins(original: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(VerifyError, match="does not exist"):
        compile_pipeline(str(original()), tmp_path / "out", verify=tmp_path / "nothing")
    assert os.listdir(tmp_path) == []


def test_out_may_not_lie_in_another_pipeline(original: Callable[..., Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(original(), other)
    with pytest.raises(CompileError, match="and would become part of it"):
        compile_pipeline(str(original()), other / "ner" / "out")
    assert not (other / "ner" / "out").exists()


def test_nothing_is_calibrated_in_fp32(original: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="the precision is fp32") as caught:
        compile_pipeline(str(original()), tmp_path / "out", calibrate=tmp_path)
    assert "--precision int8" in caught.value.remedy
