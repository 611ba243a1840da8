"""A pipeline that needs torch: refused where it can only fail, and named where it is only kept."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

from spacy_lambda.bundler.build import BundleOptions, bundle
from spacy_lambda.bundler.image.build import RECORD
from spacy_lambda.bundler.metadata import BundleMetadata, write_metadata
from spacy_lambda.bundler.target import Target
from spacy_lambda.cli import make_app
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.preparation import prepare
from spacy_lambda.errors import InvalidPipelineError, NotCompiledError
from spacy_lambda.local.bundle import open_bundle
from spacy_lambda.local.requirements import read_source

LISTENER = {"@architectures": "spacy-transformers.TransformerListener.v1", "grad_factor": 1.0}


@pytest.fixture
def original(trained: Path, tmp_path: Path) -> Path:
    """A pipeline as ``spacy train`` writes it: its config needs torch, and its ``meta.json`` requires nothing."""
    return shutil.copytree(trained, tmp_path / trained.name)


@pytest.fixture(scope="module", params=["listener", "block variable", "LSTM"])
def trained(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "model-best"
    nlp = spacy.blank("en")
    nlp.add_pipe("tagger").add_label("X")  # type: ignore[attr-defined]
    nlp.initialize()
    nlp.to_disk(folder)
    config = nlp.config
    model = config["components"]["tagger"]["model"]
    if request.param == "LSTM":
        model["tok2vec"] = {"@architectures": "spacy.TorchBiLSTMEncoder.v1", "width": 8, "depth": 1, "dropout": 0.0}
    else:
        model["tok2vec"] = LISTENER
    config.to_disk(folder / "config.cfg")
    if request.param == "block variable":
        text = (folder / "config.cfg").read_text()
        block = '\n[vars]\n\n[vars.tok2vec]\n@architectures = "spacy-transformers.TransformerListener.v1"\n'
        head, _, _ = text.partition("[components.tagger.model.tok2vec]")
        head = head.replace("[components.tagger.model]", "[components.tagger.model]\ntok2vec = ${vars.tok2vec}", 1)
        (folder / "config.cfg").write_text(head + block)
    return folder


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(make_app(), list(map(str, arguments)), catch_exceptions=True)
    if done.exception is not None:
        raise done.exception
    return done.stdout


@pytest.mark.parametrize("shape", ["zip", "image", "auto"])
def test_no_bundle_is_made_of_it(original: Path, tmp_path: Path, shape: str) -> None:
    with pytest.raises(NotCompiledError, match=r"is not compiled: it has parts that need torch.*'tagger'") as caught:
        run("bundle", original, tmp_path / "out", "--shape", shape, "--engine", "none")
    assert caught.value.remedy.endswith(f"spacy-lambda compile {original} compiled")
    assert not (tmp_path / "out").exists()


def test_no_deployment_is_planned_of_it(original: Path, tmp_path: Path) -> None:
    project = Project(name="papers", region="eu-central-1", functions=(), folder=tmp_path)
    config = FunctionConfig(name="ner", pipeline=str(original))
    aws = AwsAccount("123456789012", "eu-central-1", None)
    with pytest.raises(NotCompiledError, match="is not compiled"), prepare(project, config, aws=aws):
        pass


def test_it_is_not_served(original: Path) -> None:
    with pytest.raises(NotCompiledError, match="no function has") as caught:
        read_source(original)
    assert "spacy-lambda compile" in caught.value.remedy


@pytest.mark.slow
def test_a_store_keeps_it_and_reports_its_kind(original: Path, tmp_path: Path) -> None:
    assert "kind: original: it needs torch, and no function runs it" in run("push", original, tmp_path / "store")
    pushed = json.loads(run("push", original, tmp_path / "store", "--json"))
    assert pushed["kind"] == "original"
    stored = str(tmp_path / "store" / "en_pipeline")
    with pytest.raises(NotCompiledError, match="is not compiled") as caught:
        read_source(stored)
    assert f"spacy-lambda pull {stored} original && " in caught.value.remedy
    with pytest.raises(NotCompiledError, match="is not compiled"):
        bundle(stored, tmp_path / "out.zip", BundleOptions(package_type="zip", fetch=True))


def test_an_artifact_of_it_has_its_kind(original: Path, tmp_path: Path) -> None:
    assert f"spacy-lambda compile {original} compiled" in run("pack", original, tmp_path / "x.tar")
    assert json.loads(run("pack", original, tmp_path / "y.tar", "--json"))["kind"] == "original"
    with pytest.raises(NotCompiledError, match="is not compiled"):
        read_source(tmp_path / "x.tar")


def test_an_older_bundle_of_it_is_not_run(original: Path, tmp_path: Path) -> None:
    metadata = BundleMetadata(Target(), "pipeline", "0" * 64, {"lang": "en", "name": "x", "version": "1"})
    write_metadata(metadata, tmp_path)
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        archive.write(tmp_path / "bundle.json", "bundle.json")
        for name in ("config.cfg", "meta.json"):
            archive.write(original / name, f"pipeline/{name}")
    with pytest.raises(NotCompiledError), open_bundle(str(tmp_path / "old.zip")):
        pass
    image = tmp_path / "image"
    (image / "pipeline").mkdir(parents=True)
    (image / RECORD).write_text(json.dumps({"engine": "docker", "tag": "x", "id": "sha256:0", "base": "x"}))
    original.rename(image / "pipeline" / "pipeline")
    with pytest.raises(NotCompiledError), open_bundle(str(image)):
        pass


def test_the_kind_of_a_pipeline_that_runs_without_torch(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "blank")
    assert "kind: no-transformer: it needs no torch" in run("pack", tmp_path / "blank", tmp_path / "x.tar")
    assert read_source(tmp_path / "x.tar").requirements == read_source(tmp_path / "blank").requirements == ()


@pytest.mark.parametrize("command", ["bundle", "push", "pack"])
def test_a_config_that_does_not_parse(tmp_path: Path, command: str) -> None:
    spacy.blank("en").to_disk(tmp_path / "blank")
    (tmp_path / "blank" / "config.cfg").write_text("[nlp]\nlang = ${nothing}")
    with pytest.raises(InvalidPipelineError, match="does not parse"):
        run(command, tmp_path / "blank", tmp_path / "out")
    assert not (tmp_path / "out").exists()
