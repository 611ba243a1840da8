"""Packages: what is refused before anything is built, and a wheel that is built, checked and installed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda.cli.package import _field
from spacy_lambda.errors import InvalidPipelineError, PackageError, RequirementError
from spacy_lambda.pipeline_wheel import package_pipeline
from spacy_lambda.pipeline_wheel.given_values import read_object
from tests.cli.in_process import run_main


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    nlp = spacy.blank("xx")
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "METAL", "pattern": "iron"}])
    nlp.meta["name"] = "metals"
    nlp.meta["performance"] = {"ents_f": 1.0, "ner_loss": 3.5, "speed": 7.0}
    nlp.to_disk(tmp_path / "pipeline")
    return tmp_path / "pipeline"


@pytest.mark.parametrize(
    ("options", "error", "problem"),
    [
        ({"card": {"colour": "red"}}, PackageError, "'colour' is not a field of the card"),
        ({"meta": {"labels": {}}}, PackageError, "'labels' describes the pipeline itself"),
        ({"meta": {}}, PackageError, "meta has no values"),
        ({"meta": {"author": 7}}, PackageError, "meta: 'author' should be a valid string, not 7"),
        ({"meta": {"sources": [{"name": 3}]}}, PackageError, r"meta: 'sources\.0\S*' should be a valid string"),
        ({"meta": {"ents_f": 0.5}}, PackageError, "meta: 'ents_f' is part of a report"),
        ({"meta": {"performance": {"ents_f": "0.5"}}}, PackageError, "performance: 'ents_f' should be a valid number"),
        ({"scores": {}}, PackageError, "scores has no scores"),
        ({"scores": {"ents_f": "0.5"}}, PackageError, "scores: 'ents_f' should be a valid number, not '0.5'"),
        ({"scores": {"ents_f": True}}, PackageError, "scores: 'ents_f' should be a valid number, not True"),
        ({"scores": {"ents_f": 85.0}}, PackageError, "scores: 'ents_f' should be less than or equal to 1, not 85"),
        (
            {"scores": {"ents_per_type": {"METAL": {"f": "x"}}}},
            PackageError,
            r"scores: 'ents_per_type\.METAL\.f' should be a valid number, not 'x'",
        ),
        ({"scores": {"ents_per_type": [1]}}, PackageError, "scores: 'ents_per_type' should be an object"),
        (
            {"scores": {"identical_documents": 3, "components": []}},
            PackageError,
            "scores has no scores: its keys are 'identical_documents', 'components'",
        ),
        ({"scores": {"ents_per_type": {"DISH": {"f": 0.5}}}}, PackageError, "does not have: DISH"),
        ({"name": "../x"}, InvalidPipelineError, r"the given 'name' is '\.\./x'"),
        ({"name": "xx_metals"}, InvalidPipelineError, "begins with the language, which is put before it: xx_xx_metals"),
        ({"name": "my-metals"}, InvalidPipelineError, "a package 'xx_my-metals' cannot be imported"),
        ({"name": "my.metals"}, InvalidPipelineError, r"a package 'xx_my\.metals' cannot be imported"),
        ({"name": "Übung"}, InvalidPipelineError, "a package 'xx_Übung' cannot be imported"),
        ({"version": "a b"}, InvalidPipelineError, "the given 'version' is"),
    ],
)
def test_wrong_values_are_refused(
    options: dict[str, Any], error: type[Exception], problem: str, pipeline: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=problem):
        package_pipeline(pipeline, tmp_path / "dist", **options)
    assert not (tmp_path / "dist").exists()


def test_an_existing_wheel_is_kept(pipeline: Path, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "xx_metals-1.0-py3-none-any.whl").touch()
    with pytest.raises(PackageError, match=r"xx_metals-1\.0-py3-none-any\.whl exists") as caught:
        package_pipeline(pipeline, tmp_path / "dist", version="1.0")
    assert "--version" in caught.value.remedy


def test_fields_and_files_of_the_command_are_checked(tmp_path: Path) -> None:
    assert _field("use=a=b") == ("use", "a=b")
    (tmp_path / "use.md").write_text("Recipes.\n")
    assert _field(f"use=@{tmp_path / 'use.md'}") == ("use", "Recipes.\n")
    (tmp_path / "large.md").write_text("a" * 100_001)
    (tmp_path / "latin.md").write_bytes(b"\xff")
    for field, problem in (
        ("MIT", "has no '='"),
        ("use=@", "--card use=@ names no file"),
        (f"use=@{tmp_path}", "--card use=@.*: It is a|--card use=@.*: [Ii]s a directory"),
        (f"use=@{tmp_path / 'large.md'}", "--card use=@.*more than 100,000 bytes"),
        (f"use=@{tmp_path / 'latin.md'}", "the file is not UTF-8"),
    ):
        with pytest.raises(PackageError, match=problem):
            _field(field)
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(PackageError, match=r"does not hold a JSON object: \[\]"):
        read_object(tmp_path / "list.json")


@pytest.mark.parametrize("inside", ["", "dist"])
def test_a_wheel_is_not_written_into_the_pipeline(pipeline: Path, inside: str) -> None:
    before = sorted(pipeline.rglob("*"))
    with pytest.raises(PackageError, match="which is packaged"):
        package_pipeline(pipeline, pipeline / inside)
    assert sorted(pipeline.rglob("*")) == before


def test_files_of_another_kind_are_named(pipeline: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for option, content, problem in (
        ("--scores", {"ents_f": "0.5"}, "x.json: 'ents_f' should be a valid number, not '0.5'"),
        ("--scores", {}, "x.json has no scores"),
        ("--scores", [], "x.json does not hold a JSON object"),
        ("--meta", {"schemes": {}}, "x.json: 'schemes' is part of a report"),
        ("--meta", "text", "x.json does not hold a JSON object"),
    ):
        path.write_text(json.dumps(content))
        done = run_main("package", str(pipeline), str(tmp_path / "dist"), option, str(path))
        assert (done.returncode, problem in done.stderr) == (1, True), done.stderr
    assert not (tmp_path / "dist").exists()


@pytest.mark.slow
def test_a_wheel_is_checked_with_its_requirements_alone(pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "dist"
    packaged = package_pipeline(
        pipeline, out, version="1.0", card={"license": "MIT", "use": "Texts about metals."}, scores={"ents_f": 0.5}
    )
    assert packaged.wheel == out / "xx_metals-1.0-py3-none-any.whl"
    assert [one.partition("<")[0].partition(">")[0] for one in packaged.requirements] == ["spacy"]
    assert not any(one.startswith(("torch", "onnx", "spacy-lambda")) for one in packaged.installed)
    with zipfile.ZipFile(packaged.wheel) as wheel:
        inside = "xx_metals/xx_metals-1.0"
        meta = json.loads(wheel.read(f"{inside}/meta.json"))
        assert (meta["license"], meta["performance"]) == ("MIT", {"ents_f": 0.5})
        card = wheel.read(f"{inside}/README.md").decode()
        assert card in wheel.read("xx_metals-1.0.dist-info/METADATA").decode().replace("\r", "")
    assert "Texts about metals." in card
    assert packaged.card.read_text() == card

    (pipeline / "meta.json").write_text(json.dumps({**meta, "requirements": ["thinc==1.0"]}))
    with pytest.raises(RequirementError, match=r"thinc==1\.0"):
        package_pipeline(pipeline, out, version="2.0")
    assert [path.name for path in out.glob("*2.0*")] == []
