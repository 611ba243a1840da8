"""A rehearsal: its emulator, what it refuses, and the versions that run in it."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import spacy

from spacy_lambda.bundler.metadata import BundleMetadata, write_metadata
from spacy_lambda.bundler.target import Target
from spacy_lambda.cdk.spec import ImageCode, ZipCode
from spacy_lambda.config import load_project
from spacy_lambda.config.project import Project
from spacy_lambda.config.toml_file import WORK_FOLDER
from spacy_lambda.core.file_lock import file_lock
from spacy_lambda.errors import DeployError
from spacy_lambda.rehearsal.deployed_code import DeployedCode
from spacy_lambda.rehearsal.deployed_functions import DeployedFunctions
from spacy_lambda.rehearsal.emulator_access import access_file
from spacy_lambda.rehearsal.rehearsal_log import RehearsalLog
from spacy_lambda.rehearsal.rehearse import kept_rehearsal, refuse_images, rehearsal, with_default_region
from tests.rehearsal.listeners import answering

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of moto

CONFIG = '[project]\nname = "papers"\n\n[functions.ner]\npipeline = "{pipeline}"\n'


def project(folder: Path, pipeline: str = "./compiled") -> Project:
    file = folder / "spacy-lambda.toml"
    file.write_text(CONFIG.format(pipeline=pipeline), encoding="utf-8")
    return load_project(file, environ=with_default_region({}, folder))


def test_a_region_is_not_needed(tmp_path: Path) -> None:
    assert project(tmp_path).region == "us-east-1"
    assert with_default_region({"AWS_REGION": "eu-west-1"}, tmp_path) == {"AWS_REGION": "eu-west-1"}


def test_the_default_region_is_that_of_the_rehearsal_that_is_kept(tmp_path: Path) -> None:
    (tmp_path / WORK_FOLDER).mkdir()
    with answering(region="eu-north-1") as access, access_file(tmp_path / WORK_FOLDER, access):
        found = {"AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "eu-north-1"}
        assert with_default_region({}, tmp_path) == found
        assert with_default_region({"AWS_REGION": "us-west-2"}, tmp_path) == found
        mine = project(tmp_path)
        with kept_rehearsal(mine):
            assert os.environ["AWS_REGION"] == "eu-north-1"
        other = replace(mine, region="us-west-2")
        with pytest.raises(DeployError, match="emulates eu-north-1, and the project's region is us-west-2") as caught:
            kept_rehearsal(other).__enter__()
        assert caught.value.remedy.startswith("pass --region eu-north-1, or")
        with pytest.raises(DeployError, match="emulates eu-north-1"), rehearsal(other, other.functions):
            pass
    with access_file(tmp_path / WORK_FOLDER, access):  # left by an emulator that was killed
        assert with_default_region({}, tmp_path) == {"AWS_DEFAULT_REGION": "us-east-1"}


def test_of_two_that_are_served_the_second_is_refused_from_its_start(tmp_path: Path) -> None:
    """Before the first has written its file."""
    mine = project(tmp_path)
    (tmp_path / WORK_FOLDER).mkdir()
    with (
        file_lock(tmp_path / WORK_FOLDER / "rehearsal.lock"),
        pytest.raises(DeployError, match=rf"is about to be, by process {os.getpid()} on "),
        rehearsal(mine, mine.functions, keep=True),
    ):
        pass


def test_the_log_outlives_an_emulator_that_ends_with_an_error(tmp_path: Path) -> None:
    lines: list[str] = []
    log = RehearsalLog(tmp_path / "rehearsal.log", lambda code, number, line: lines.append(line))
    code = DeployedCode("papers-ner", "2", b"", None, {}, memory_mb=512, timeout_s=20)
    with pytest.raises(DeployError, match="check the name"), log.kept_on_failure():
        raise DeployError("it failed", remedy="check the name")
    assert list(tmp_path.iterdir()) == []
    log.add(code, 1, "KeyError: 'label'")
    with pytest.raises(DeployError, match="it failed") as caught, log.kept_on_failure():
        raise DeployError("it failed", remedy="see `spacy-lambda logs`, and bundle again")
    assert caught.value.remedy == f"see {tmp_path / 'rehearsal.log'}, and bundle again"
    assert (tmp_path / "rehearsal.log").read_text() == "papers-ner [2] KeyError: 'label'\n"
    assert lines == ["KeyError: 'label'"]


def test_a_rehearsal_is_found_as_long_as_it_is_kept(tmp_path: Path) -> None:
    mine = project(tmp_path)
    before = dict(os.environ)
    with pytest.raises(DeployError, match="no rehearsal of papers is served") as caught, kept_rehearsal(mine):
        pass
    assert caught.value.remedy.endswith("spacy-lambda deploy --local --serve")
    with rehearsal(mine, mine.functions, keep=True) as running:
        endpoint = running.access.endpoint
        variables = running.access.variables()
        os.environ.update(before)
        with kept_rehearsal(mine):
            assert os.environ["AWS_ACCESS_KEY_ID"] == running.access.access_key
        with rehearsal(mine, mine.functions) as same:
            assert (same.access.endpoint, same.functions) == (endpoint, None)
        with pytest.raises(DeployError, match="is served already"), rehearsal(mine, mine.functions, keep=True):
            pass
        os.environ.update(variables)
    assert dict(os.environ) == before
    with pytest.raises(DeployError), kept_rehearsal(mine):
        pass


def test_pipelines_in_aws_are_refused(tmp_path: Path) -> None:
    mine = project(tmp_path, "s3://models/en_x@live")
    with pytest.raises(DeployError, match="a rehearsal reads nothing from AWS") as caught:
        rehearsal(mine, mine.functions).__enter__()
    assert caught.value.remedy.startswith("spacy-lambda pull s3://models/en_x@live ./pipeline")


def test_images_are_refused(tmp_path: Path) -> None:
    bundle = SimpleNamespace(reason="too large for a zip")

    def plan(code: Any) -> Any:
        spec = SimpleNamespace(function_name="papers-ner", code=code)
        return SimpleNamespace(functions=[SimpleNamespace(spec=spec, prepared=SimpleNamespace(bundle=bundle))])

    refuse_images(plan(ZipCode(tmp_path)))
    with pytest.raises(DeployError, match=r"papers-ner is an image \(too large for a zip\)"):
        refuse_images(plan(ImageCode("sha256:" + "0a" * 32)))


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    """A zip that this machine cannot run: for another architecture."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    nlp = spacy.blank("xx")
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "MATERIAL", "pattern": "Iron"}])
    nlp.to_disk(folder / "pipeline")
    other = "arm64" if os.uname().machine == "x86_64" else "x86_64"
    write_metadata(BundleMetadata(Target("3.13", other), "pipeline", "0a" * 32, {"name": "x"}), folder)
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(folder))
    return (tmp_path / "bundle.zip").read_bytes()


@pytest.mark.slow
def test_versions_run_in_the_local_lambda(archive: bytes) -> None:
    lines: list[str] = []
    code = DeployedCode("papers-ner", "1", archive, None, {}, memory_mb=1769, timeout_s=20)
    with DeployedFunctions(lambda code, number, line: lines.append(f"{code.version}/{number}: {line}")) as functions:
        response = functions.run(code, b'{"text": "Iron."}')
        assert [entity["label"] for entity in json.loads(response.payload)] == ["MATERIAL"]
        assert list(response.headers) == ["X-Amz-Log-Result"]
        failed = functions.run(code, b'{"texts": 1}')
        assert failed.headers["X-Amz-Function-Error"] == "Unhandled"
        assert json.loads(failed.payload)["errorType"] == "RequestError"
        assert functions.substituted == {"papers-ner"}
        assert requests.get(f"{functions.find_url(code)}/health", timeout=10).json() == {"status": "ok"}
    assert any(line.startswith("1/1: REPORT RequestId") for line in lines)
    assert all(line.endswith(" Version: 1") for line in lines if "START Req" in line)
