"""Preparation of a function on this machine, before AWS is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.bundler.image.build import RECORD
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.core.location import parse_location
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.planning import make_code
from spacy_lambda.deploy.preparation import Prepared
from spacy_lambda.deploy.preparation import prepare as prepare_function
from spacy_lambda.errors import ArtifactError, SignatureError
from spacy_lambda.store.factory import open_store
from spacy_lambda.store.transfer import push
from tests.bundler.installed import install_once, without_wheels
from tests.deploy.projects import write_pipeline
from tests.store.keys import key_pair


def pushed(folder: Path, *, key: Path | None) -> str:
    """A small pipeline in a store."""
    write_pipeline(folder, "1.0.0", Iron="MATERIAL")
    store = open_store(parse_location(str(folder / "store")))
    return str(push(str(folder / "compiled"), store, sign_key=key).location)


def prepare(folder: Path, pipeline: str, key: Path | None) -> Prepared:
    function = FunctionConfig(name="ner", pipeline=pipeline, shape="zip", signed_by=key)
    project = Project(name="papers", region="eu-central-1", functions=(function,), folder=folder)
    aws = AwsAccount("123456789012", "eu-central-1", None)
    with prepare_function(project, function, aws=aws) as prepared:
        return prepared


@pytest.mark.slow
def test_a_pipeline_signed_by_the_key_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_once(monkeypatch, tmp_path)
    private, public = key_pair(tmp_path, "ours")
    location = pushed(tmp_path, key=private)
    with without_wheels():
        prepared = prepare(tmp_path, location, public)
    assert str(prepared.location).startswith(
        "s3://papers-models-123456789012-eu-central-1/pipelines/en_materials@1.0.0#"
    )
    assert prepared.bundle.pipeline_sha256 == prepared.location.sha256 == parse_location(location).sha256
    assert [one["label"] for one in prepared.golden_tests[0].expected] == []
    assert prepared.labels == ("MATERIAL",)


def test_a_pipeline_signed_by_another_key_is_refused(tmp_path: Path) -> None:
    location = pushed(tmp_path, key=key_pair(tmp_path, "theirs")[0])
    with pytest.raises(SignatureError, match="is not valid for"):
        prepare(tmp_path, location, key_pair(tmp_path, "ours")[1])


def test_an_unsigned_pipeline_is_refused(tmp_path: Path) -> None:
    location = pushed(tmp_path, key=None)
    with pytest.raises(SignatureError, match="is not signed"):
        prepare(tmp_path, location, key_pair(tmp_path, "ours")[1])


def test_a_folder_has_no_signature(tmp_path: Path) -> None:
    write_pipeline(tmp_path, "1.0.0", Iron="MATERIAL")
    with pytest.raises(SignatureError, match="is not in a store") as caught:
        prepare(tmp_path, str(tmp_path / "compiled"), key_pair(tmp_path, "ours")[1])
    assert "push it with --sign KEY" in caught.value.remedy


def test_an_image_that_fetches_is_made_before_the_pipeline_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_once(monkeypatch, tmp_path)
    write_pipeline(tmp_path, "1.0.0", Iron="MATERIAL")
    function = FunctionConfig(name="ner", pipeline=str(tmp_path / "compiled"), shape="image-efs")
    project = Project(name="papers", region="eu-central-1", functions=(function,), folder=tmp_path)
    aws = AwsAccount("123456789012", "eu-central-1", None)
    with without_wheels(), prepare_function(project, function, aws=aws, build_images=False) as prepared:
        assert prepared.bundle.location == str(prepared.location)
        assert not (prepared.bundle.path / "pipeline" / "pipeline").exists()
        code = make_code(prepared)
        (prepared.bundle.path / RECORD).write_text("{}")
        assert make_code(prepared) == code
        (prepared.bundle.path / "Dockerfile").write_text("FROM scratch")
        assert make_code(prepared) != code


def test_a_digest_that_differs_is_refused_before_anything_is_bundled(tmp_path: Path) -> None:
    write_pipeline(tmp_path, "1.0.0", Iron="MATERIAL")
    with pytest.raises(ArtifactError, match="has the digest"):
        prepare(tmp_path, f"{tmp_path / 'compiled'}#sha256={64 * 'a'}", None)
    assert list((tmp_path / ".spacy-lambda" / "ner").iterdir()) == []
