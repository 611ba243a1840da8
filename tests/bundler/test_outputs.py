"""Output is written to the folder that the user named, under any name of the pipeline."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import spacy
from click.testing import CliRunner
from typer.main import get_command

from spacy_lambda.cli import make_app
from spacy_lambda.errors import InvalidPipelineError
from spacy_lambda.pipeline_wheel.build import build_wheel

APP: Any = get_command(make_app())

OUTSIDE = {
    "an absolute language": lambda victim: {"lang": f"{victim}/backup", "name": "x", "version": "1"},
    "a language that climbs": lambda victim: {"lang": f"../{victim.name}/backup", "name": "x", "version": "1"},
    "a name that climbs": lambda victim: {"lang": "x", "name": f"/../../{victim.name}/backup_x", "version": "1"},
    "a version that climbs": lambda victim: {"lang": "x", "name": "x", "version": f"/../../{victim.name}/backup_x-1"},
    "no language": lambda victim: {"lang": "", "name": f"/../../{victim.name}/backup_x", "version": "1"},
    "a hidden name": lambda victim: {"lang": ".git", "name": "x", "version": "1"},
    "a line in the Dockerfile": lambda victim: {"lang": "x", "name": "x", "version": '1"\nRUN true\n#'},
}


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A tree that is not the user's output, with files where hostile names lead."""
    folder = tmp_path / "victim"
    folder.mkdir()
    for ending in (".tar", "-py313-x86_64.zip", "-py313-x86_64-image"):
        (folder / f"backup_x-1{ending}").write_text("precious")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("blank")
    spacy.blank("en").to_disk(folder)
    return folder


def hostile(blank: Path, tmp_path: Path, victim: Path, name: str) -> Path:
    folder = shutil.copytree(blank, tmp_path / "pipeline")
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, **OUTSIDE[name](victim)}))
    return folder


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize(
    "command", [("pack",), ("bundle", "--shape", "zip"), ("bundle", "--shape", "image", "--engine", "none"), ("push",)]
)
def test_nothing_is_written_outside(
    name: str, command: tuple[str, ...], blank: Path, tmp_path: Path, victim: Path, out: Path
) -> None:
    pipeline = hostile(blank, tmp_path, victim, name)
    before = {path: path.read_bytes() for path in victim.rglob("*")}
    done = CliRunner().invoke(APP, [command[0], str(pipeline), str(out), *command[1:]])
    assert isinstance(done.exception, InvalidPipelineError), done.output
    assert "meta.json" in done.exception.remedy
    assert {path: path.read_bytes() for path in victim.rglob("*")} == before
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_wheel_is_built_of_it(name: str, blank: Path, tmp_path: Path, victim: Path, out: Path) -> None:
    with pytest.raises(InvalidPipelineError):
        build_wheel(hostile(blank, tmp_path, victim, name), out)
    assert list(out.iterdir()) == []
