"""Folders that --force replaces: only what ``convert`` wrote and nobody changed, whatever their record says."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from spacy_lambda.conversion import convert
from spacy_lambda.conversion.written_folders import RECORD
from spacy_lambda.errors import CorpusError
from tests.conversion.files import write_files

LINE = '{"id": "a", "text": "Zinc.", "spans": [[0, 4, "M"]]}\n'


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder that was written."""
    write_files(tmp_path, {"in.jsonl": LINE})
    written(tmp_path / "out")
    return tmp_path / "out"


def written(folder: Path, *, force: bool = False) -> None:
    convert(folder.parent / "in.jsonl", folder, output_format="brat", lang="xx", force=force)


def contents(folder: Path) -> dict[str, bytes | str]:
    """Return what is in a folder, with the target of each link."""
    found: dict[str, bytes | str] = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            found[name] = path.read_bytes()
        else:
            found[name] = "other"
    return found


def rewrite(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    content = json.loads((folder / RECORD).read_text())
    change(content)
    (folder / RECORD).write_text(json.dumps(content))


def other_place(folder: Path) -> None:
    (folder / RECORD).rename(folder.parent / "record.json")
    (folder / RECORD).symlink_to(folder.parent / "record.json")


def pipe(folder: Path) -> None:
    (folder / RECORD).unlink()
    os.mkfifo(folder / RECORD)


def folder_of_record(folder: Path) -> None:
    (folder / RECORD).unlink()
    (folder / RECORD).mkdir()


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "half": (lambda out: (out / RECORD).write_bytes((out / RECORD).read_bytes()[:-20]), "cannot be read as JSON"),
    "empty": (lambda out: (out / RECORD).write_bytes(b""), "cannot be read as JSON"),
    "binary": (lambda out: (out / RECORD).write_bytes(b"\xff\0"), "cannot be read as JSON"),
    "list": (lambda out: (out / RECORD).write_text("[]"), "is of type list"),
    "key": (lambda out: rewrite(out, lambda one: one.update(note="mine")), "'note' is an unknown key"),
    "version": (lambda out: rewrite(out, lambda one: one.update(format_version=2)), "has the format version 2"),
    "no version": (lambda out: rewrite(out, lambda one: one.pop("format_version")), "'format_version' is missing"),
    "digests": (lambda out: rewrite(out, lambda one: one.update(files={"a.txt": {"sha256": 1}})), "a.ann was not"),
    "missing": (lambda out: (out / RECORD).unlink(), "a.ann was not written by convert"),
    "link": (other_place, "is a link"),
    "pipe": (pipe, "cannot be read"),
    "folder": (folder_of_record, "cannot be read"),
    "new file": (lambda out: (out / "todo.txt").write_text("precious"), "todo.txt was not written by convert"),
    "hidden file": (lambda out: (out / ".notes").write_text("precious"), ".notes was not written by convert"),
    "empty folder": (lambda out: (out / "drafts").mkdir(), "drafts was not written by convert"),
    "linked folder": (lambda out: (out / "more").symlink_to(out.parent), "more was not written by convert"),
    "broken link": (lambda out: (out / "more").symlink_to("nowhere"), "more was not written by convert"),
    "changed": (lambda out: (out / "a.ann").write_text("T1\tM 0 4\tZinc\n#1\tmine\n"), "a.ann was changed since"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_folder_is_refused_and_stays(out: Path, name: str) -> None:
    change, problem = CHANGES[name]
    change(out)
    before = contents(out)
    with pytest.raises(CorpusError, match=problem) as caught:
        written(out, force=True)
    assert "--force does not replace" in caught.value.message
    assert contents(out) == before
    assert {path.name for path in out.parent.iterdir()} - {"record.json"} == {"in.jsonl", "out"}


def test_an_unchanged_folder_is_replaced(out: Path) -> None:
    (out / RECORD).chmod(0o444)
    (out / "a.txt").unlink()  # what is missing is not lost by a replacement
    written(out, force=True)
    assert {path.name for path in out.iterdir()} == {"a.txt", "a.ann", RECORD}
    assert {path.name for path in out.parent.iterdir()} == {"in.jsonl", "out"}


@pytest.mark.parametrize("force", [False, True])
def test_what_is_made_during_the_conversion_stays(out: Path, force: bool) -> None:
    target = out if force else out.parent / "new"

    def meanwhile(*_: object) -> None:
        target.mkdir(exist_ok=True)
        (target / "todo.txt").write_text("precious")

    with pytest.raises(CorpusError, match=r"todo.txt was not written by convert|new exists"):
        convert(out.parent / "in.jsonl", target, output_format="brat", lang="xx", force=force, on_step=meanwhile)
    assert (target / "todo.txt").read_text() == "precious"


@pytest.mark.parametrize("force", [False, True])
def test_a_link_to_a_folder_is_refused_before_the_conversion(out: Path, force: bool) -> None:
    (out.parent / "link").symlink_to(out)
    before = contents(out)
    with pytest.raises(CorpusError, match="link is a link"):
        written(out.parent / "link", force=force)
    assert contents(out) == before


@pytest.mark.parametrize("name", ["brat", "jsonl"])
def test_a_split_is_not_written_into_a_corpus(out: Path, name: str) -> None:
    write_files(out.parent, {"in.jsonl": "".join(LINE.replace("Zinc", f"Zinc {i}") for i in range(4))})
    before = contents(out)
    for force in (False, True):
        with pytest.raises(CorpusError, match="out is a corpus that convert wrote"):
            convert(out.parent / "in.jsonl", out, output_format=name, lang="xx", split="1/1", force=force)
    assert contents(out) == before


def test_the_current_folder_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"in.jsonl": LINE})
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(CorpusError, match="no name of a folder"):
        convert(tmp_path / "in.jsonl", ".", output_format="brat", lang="xx")
