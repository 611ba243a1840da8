"""Paths that cannot be read or written are reported before the libraries that take seconds to import."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import spacy
import typer
from typer.main import get_command
from typer.testing import CliRunner

from spacy_lambda.cli import make_app
from spacy_lambda.cli.output_paths import writable
from spacy_lambda.core.pipelines import require_outside
from spacy_lambda.errors import SpacyLambdaError
from tests.cli.in_process import run_command, run_main

HEAVY = ("compile", "description", "verification")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("inspect output/model-best", "there is no pipeline 'output/model-best'"),
        ("inspect notes.txt", "has the unknown suffix '.txt'"),
        ("inspect mine --code none.py", "none.py cannot be included: it does not exist"),
        ("compile output/model-best compiled", "there is no pipeline 'output/model-best'"),
        ("compile mine compiled --verify none.jsonl", "none.jsonl does not exist"),
        ("compile mine compiled --precision int8 --calibrate none.jsonl", "none.jsonl does not exist"),
        ("compile mine compiled --calibrate notes.txt", "applies to int8 only"),
        ("compile mine full", "full exists"),
        ("compile mine mine/compiled", "is inside the original"),
        ("verify output/model-best mine --texts notes.txt", "there is no pipeline 'output/model-best'"),
        ("verify mine output/compiled --texts notes.txt", "there is no pipeline 'output/compiled'"),
        ("verify mine mine --texts none.jsonl", "none.jsonl does not exist"),
    ],
)
def test_a_missing_path_is_reported_before_imports(
    command: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for module in HEAVY:
        monkeypatch.setitem(sys.modules, f"spacy_lambda.compiler.{module}", None)
    for file in ("notes.txt", "mine/config.cfg", "mine/meta.json", "full/file"):
        Path(file).parent.mkdir(exist_ok=True)
        Path(file).write_text("")
    done = CliRunner().invoke(make_app(), command.split())
    assert isinstance(done.exception, SpacyLambdaError), done.output
    assert message in done.exception.message


@pytest.mark.parametrize(
    "command",
    ["pack . .", "pack mine mine/a.tar", "unpack a.tar mine/out", "push mine mine/store", "bundle . --shape zip"],
)
def test_nothing_is_written_into_a_pipeline(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be part of the next artifact, whose digest would be another one."""
    spacy.blank("en").to_disk(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert isinstance(run_command("pack", "mine", "a.tar"), str)
    if "." in command.split():
        monkeypatch.chdir("mine")
    before = sorted(tmp_path.rglob("*"))
    error = run_command(*command.split())
    assert isinstance(error, SpacyLambdaError)
    assert "would become part of it" in error.message
    assert error.remedy == "choose another folder"
    assert sorted(tmp_path.rglob("*")) == before
    require_outside(tmp_path / "mine" / ".spacy-lambda" / "bundle.zip")  # artifacts omit it


@pytest.mark.parametrize("out", [".", "../here", ""])
def test_the_current_folder_is_not_replaced(out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spacy.blank("en").to_disk(tmp_path / "mine")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert isinstance(run_command("pack", "../mine", "../a.tar"), str)
    error = run_command("unpack", "../a.tar", out)
    assert isinstance(error, SpacyLambdaError)
    assert "is the current folder" in error.message
    assert "name a new folder in it" in error.remedy


WRITING = (
    *("bundle mine notes.txt/out", "compile mine notes.txt/out", "compile mine out --plot notes.txt/plot.svg"),
    *("convert a.jsonl notes.txt/c.spacy", "eject --out notes.txt/app", "estimate mine --plot notes.txt/plot.svg"),
    *("evaluate mine c.spacy --html notes.txt/r.html", "init --pipeline mine --out notes.txt/p.toml"),
    *("pack mine notes.txt/a.tar", "package mine notes.txt/out", "pull ./store/mine notes.txt/out"),
    *("train a.spacy b.spacy notes.txt/out", "unpack a.tar notes.txt/out"),
)


@pytest.mark.parametrize("command", WRITING)
def test_a_path_that_cannot_be_written_is_refused_before_the_work(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("")
    done = CliRunner().invoke(make_app(), command.split(), env={"COLUMNS": "500"})
    assert done.exit_code == 2, done.output
    assert f"cannot be written: {tmp_path / 'notes.txt'} is not a folder" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_all_paths_that_are_written_are_checked() -> None:
    commands = get_command(make_app()).commands  # type: ignore[attr-defined]
    outputs = {name for name, one in commands.items() for two in one.params if two.name in ("out", "plot", "html")}
    assert outputs == {command.split()[0] for command in WRITING}


def test_a_missing_folder_is_made_and_a_closed_one_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert writable(tmp_path / "new" / "deep" / "plot.svg") is not None
    assert writable(Path()) == Path()
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(typer.BadParameter, match="is a folder that you may not write to"):
        writable(tmp_path / "plot.svg")


@pytest.mark.parametrize(("command", "read"), [("compile mine out --plot", "mine"), ("estimate mine --plot", "mine")])
def test_a_drawing_replaces_neither_links_nor_what_is_read(
    command: str, read: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blank = spacy.blank("xx")
    blank.to_disk("mine")
    meta = Path("mine", "meta.json").read_bytes()
    Path("link.svg").symlink_to("missing")
    extra = ["--precision", "auto", "--texts", "texts.jsonl"] if command.startswith("compile") else []
    Path("texts.jsonl").write_text('{"text": "iron"}\n')
    for path, problem, force in (
        ("mine/meta.json", f"mine/meta.json is, or is in, {read}, which is read", ["--force"]),
        ("link.svg", "link.svg exists", []),
    ):
        done = run_main(*command.split(), path, *extra, *force)
        assert (done.returncode, problem in done.stderr) == (1, True), done.stderr
    assert Path("mine", "meta.json").read_bytes() == meta
