"""What is made of a function on this machine, before AWS is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.core.location import parse_location
from spacy_lambda.deploy.prepare import Prepared, prepared_function
from spacy_lambda.errors import SignatureError
from spacy_lambda.store.factory import open_store
from spacy_lambda.store.transfer import push
from tests.bundler.wheels import no_index
from tests.deploy.projects import write_pipeline
from tests.store.keys import key_pair


def pushed(folder: Path, *, key: Path | None) -> str:
    """A small pipeline in a store."""
    write_pipeline(folder, "1.0.0", Iron="MATERIAL")
    store = open_store(parse_location(str(folder / "store")))
    return str(push(str(folder / "compiled"), store, sign_key=key).location)


def prepare(folder: Path, pipeline: str, key: Path) -> Prepared:
    function = FunctionConfig(name="ner", pipeline=pipeline, shape="zip", signed_by=key)
    project = Project(name="papers", region="eu-central-1", functions=(function,), folder=folder)
    with prepared_function(project, function) as prepared:
        return prepared


@pytest.mark.slow
def test_what_is_signed_by_that_key_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in no_index().items():
        monkeypatch.setenv(name, value)
    private, public = key_pair(tmp_path, "ours")
    location = pushed(tmp_path, key=private)
    prepared = prepare(tmp_path, location, public)
    assert prepared.artifact == "en_materials@1.0.0"
    assert prepared.bundle.pipeline_sha256 == parse_location(location).sha256
    assert [one["label"] for one in prepared.golden[0].answer] == []
    assert prepared.labels == ("MATERIAL",)


def test_what_another_key_has_signed_is_refused(tmp_path: Path) -> None:
    location = pushed(tmp_path, key=key_pair(tmp_path, "theirs")[0])
    with pytest.raises(SignatureError, match="is not valid for"):
        prepare(tmp_path, location, key_pair(tmp_path, "ours")[1])


def test_what_nobody_has_signed_is_refused(tmp_path: Path) -> None:
    location = pushed(tmp_path, key=None)
    with pytest.raises(SignatureError, match="is not signed"):
        prepare(tmp_path, location, key_pair(tmp_path, "ours")[1])


def test_a_folder_has_no_signature(tmp_path: Path) -> None:
    write_pipeline(tmp_path, "1.0.0", Iron="MATERIAL")
    with pytest.raises(SignatureError, match="is in no store") as caught:
        prepare(tmp_path, str(tmp_path / "compiled"), key_pair(tmp_path, "ours")[1])
    assert "push it with --sign KEY" in caught.value.remedy
