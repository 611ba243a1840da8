"""Forms of a PIPELINE argument, and pipelines whose folders look like a store's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import spacy

from spacy_lambda.bundler import assemble
from spacy_lambda.config.project import FunctionConfig
from spacy_lambda.core.artifact.open import pipeline_folder
from spacy_lambda.core.artifact.pack import pack
from spacy_lambda.core.location import Location
from spacy_lambda.core.pipelines import resolve_pipeline
from spacy_lambda.deploy import preparation
from spacy_lambda.errors import LocationError
from spacy_lambda.local.requirements import read_source
from spacy_lambda.runtime.loading import load, locate_pipeline
from spacy_lambda.store.factory import open_store
from spacy_lambda.store.transfer import pull, push

DIGEST = "a" * 64
NAMES = ("refs", "artifacts", "blobs", "snapshots", "pipeline", "tmp", "locks")
"""Components named after folders of stores, of the Hub's cache, of bundles and of the runtime's cache."""


def pushed(folder: Path, tmp_path: Path) -> Location:
    store = Location("file", str(tmp_path / "store"))
    return push(str(folder), open_store(store)).location


def through_pack(folder: Path, tmp_path: Path) -> Path:
    packed = pack(folder, tmp_path / "named.tar")
    with pipeline_folder(packed.path) as unpacked:
        return unpacked.rename(tmp_path / "unpacked")


def through_a_store(folder: Path, tmp_path: Path) -> Path:
    return pull(pushed(folder, tmp_path), tmp_path / "pulled").path


def through_the_bundle(folder: Path, tmp_path: Path) -> Path:
    with assemble._opened(str(folder)) as (opened, location):
        assert location is None
        return opened


def through_the_deployment(folder: Path, tmp_path: Path) -> Path:
    with preparation._local_pipeline(FunctionConfig(name="ner", pipeline=str(folder))) as opened:
        return opened


def through_the_local_lambda(folder: Path, tmp_path: Path) -> Path:
    return Path(read_source(folder).location)


def through_the_runtime(folder: Path, tmp_path: Path) -> Path:
    return locate_pipeline({"SPACY_LAMBDA_PIPELINE": folder.name, "LAMBDA_TASK_ROOT": str(folder.parent)}).path


@pytest.fixture
def named(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    for name in NAMES:
        ruler = nlp.add_pipe("entity_ruler", name=name)
        ruler.add_patterns([{"label": name.upper(), "pattern": name}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "named")
    assert all((tmp_path / "named" / name).is_dir() for name in NAMES)
    return tmp_path / "named"


@pytest.mark.slow
@pytest.mark.parametrize(
    "through",
    [
        through_pack,
        through_a_store,
        through_the_bundle,
        through_the_deployment,
        through_the_local_lambda,
        through_the_runtime,
    ],
)
def test_components_named_like_folders_of_a_store(
    named: Path, tmp_path: Path, through: Callable[[Path, Path], Path]
) -> None:
    nlp = load(through(named, tmp_path))
    assert [(ent.text, ent.label_) for ent in nlp(" ".join(NAMES)).ents] == [(name, name.upper()) for name in NAMES]


def test_every_form(named: Path, tmp_path: Path) -> None:
    stored = pushed(named, tmp_path).path
    (tmp_path / "named.tar").touch()
    (tmp_path / "named.whl").touch()
    forms = {
        str(named): "folder",
        f"{named}#sha256={DIGEST}": "folder",
        "en_scienceie_minilm": "package",
        str(tmp_path / "none"): "package",
        str(tmp_path / "named.tar"): "artifact",
        f"{tmp_path / 'named.tar'}#sha256={DIGEST}": "artifact",
        str(tmp_path / "named.whl"): "archive",
        stored: "stored",
        f"{stored}@latest": "stored",
        f"{tmp_path / 'none'}@1.0": "stored",
        "s3://models/en_metals": "remote",
        "hf://owner/name@main": "remote",
    }
    assert {text: resolve_pipeline(text).form for text in forms} == forms


def test_relative_to_a_base(named: Path) -> None:
    assert resolve_pipeline("named", base=named.parent).location == Location("file", str(named))
    assert resolve_pipeline("en_core", base=named.parent).location == Location("file", "en_core")


@pytest.mark.parametrize("text", ["", "ftp://a/b", "a\0b", "x" * 5000])
def test_no_location(text: str) -> None:
    with pytest.raises(LocationError):
        resolve_pipeline(text)
