"""The project's folder for bundles and templates."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.config.toml_file import WORK_FOLDER
from spacy_lambda.core.file_lock import file_lock
from spacy_lambda.deploy.deployment import plan
from spacy_lambda.deploy.work_folder import LOCK_FILE, locked_work_folder, make_work_folder
from spacy_lambda.errors import DeployError


def test_it_is_ignored_by_git(tmp_path: Path) -> None:
    assert make_work_folder(tmp_path) == make_work_folder(tmp_path) == tmp_path / WORK_FOLDER
    assert (tmp_path / WORK_FOLDER / ".gitignore").read_text() == "*\n"


def test_two_deployments_at_once_are_refused_before_anything_is_removed(tmp_path: Path) -> None:
    functions = (FunctionConfig(name="ner", pipeline="./none"),)
    project = Project(name="papers", region="eu-central-1", functions=functions, folder=tmp_path)
    made = tmp_path / WORK_FOLDER / "cdk.out" / "manifest.json"
    made.parent.mkdir(parents=True)
    made.touch()
    with (
        file_lock(tmp_path / WORK_FOLDER / LOCK_FILE),
        pytest.raises(DeployError, match=r"is being deployed or planned by process \d+ on ") as caught,
    ):
        plan(project, functions, aws=None, cdk=None)  # type: ignore[arg-type]
    assert caught.value.remedy.startswith("wait for it to end")
    assert made.exists()
    with locked_work_folder(tmp_path) as folder:
        assert (folder / LOCK_FILE).exists()


@pytest.mark.parametrize("kind", ["file", "link"])
def test_something_else_in_its_place_is_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / WORK_FOLDER
    path.touch() if kind == "file" else path.symlink_to(tmp_path / "none")
    what = "not a folder" if kind == "file" else "a link to something that does not exist"
    with pytest.raises(DeployError, match=f"{WORK_FOLDER} is {what}") as caught:
        make_work_folder(tmp_path)
    assert caught.value.remedy == "remove it, or make it a folder"


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DeployError, match="Permission denied") as caught:
        make_work_folder(tmp_path)
    assert caught.value.remedy.startswith(f"make {tmp_path} writable")
