"""Round trips to a fake of the Hub with the real client, and the function's own reader."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import spacy
import yaml

from spacy_lambda.core.location import parse_location
from spacy_lambda.core.pipeline_meta import read_meta
from spacy_lambda.core.pipelines import find_pipeline
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.source.hub import find_on_hub
from spacy_lambda.errors import ArtifactError, NotStoredError, StoreError
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.settings import CacheSettings
from spacy_lambda.store.factory import list_versions, open_pipeline, open_store
from spacy_lambda.store.hub.hub_store import HubOptions
from spacy_lambda.store.protocol import Pushed
from spacy_lambda.store.transfer import pull
from spacy_lambda.store.transfer import push as push_pipeline
from tests.store.hub_server import Hub

# huggingface_hub leaves the connections of its threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

REPOSITORY = parse_location("hf://acme/metals")
NO_OPTIONS = HubOptions()


def push(pipeline: Path | str, options: HubOptions = NO_OPTIONS, *aliases: str, revision: str | None = None) -> Pushed:
    """Push a pipeline with a stand-in for a wheel, because building one takes seconds."""
    meta = read_meta((options.original or find_pipeline(pipeline)) / "meta.json")
    with TemporaryDirectory() as scratch:
        wheel = Path(scratch, f"en_{meta['name']}-{meta['version']}-py3-none-any.whl")
        wheel.write_bytes(b"wheel")
        store = open_store(REPOSITORY.at(revision), hub=replace(options, wheel=wheel))
        return push_pipeline(str(pipeline), store, aliases=aliases)


def files(hub: Hub, revision: str = "main") -> dict[str, bytes]:
    repository = hub.repositories["acme/metals"]
    commit = repository.commit_of(revision)
    assert commit is not None
    return repository.commits[commit]


@pytest.mark.slow
def test_there_and_back(hub: Hub, pipeline: Path, tmp_path: Path) -> None:
    pushed = push_pipeline(str(pipeline), open_store(REPOSITORY))
    assert str(pushed.location) == f"hf://acme/metals@1.2.3#sha256={pushed.location.sha256}"
    assert pushed.page == f"{hub.url}/acme/metals"
    repository = hub.repositories["acme/metals"]
    assert repository.private
    assert repository.messages == ["en_metals 1.2.3"]
    assert set(repository.tags) == {"1.2.3"}
    assert "en_metals-1.2.3-py3-none-any.whl" in files(hub)
    for number, text in enumerate([str(pushed.location), "hf://acme/metals", "hf://acme/metals@main"]):
        pulled = pull(parse_location(text), tmp_path / str(number))
        assert pulled.sha256 == pushed.location.sha256
        assert [ent.label_ for ent in spacy.load(pulled.path)("iron").ents] == ["METAL"]
    (version,) = list_versions(REPOSITORY)
    assert (version.version, version.aliases, version.sha256) == ("1.2.3", ("main",), pushed.location.sha256)
    # Here, because building a wheel takes seconds.
    _assert_a_wheel_is_pushed_as_it_is(hub, tmp_path)


def _assert_a_wheel_is_pushed_as_it_is(hub: Hub, tmp_path: Path) -> None:
    name = "en_metals-1.2.3-py3-none-any.whl"
    wheel = tmp_path / name
    wheel.write_bytes(files(hub)[name])
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {"en_metals/__init__.py", "en_metals/en_metals-1.2.3/config.cfg"} <= set(names)
    store = open_store(REPOSITORY, hub=HubOptions(wheel=wheel))
    again = push_pipeline(str(wheel), store, replace=True)
    assert files(hub)[name] == wheel.read_bytes()
    assert pull(again.location, tmp_path / "out").sha256 == again.location.sha256


def test_the_card_has_the_metadata_for_the_hub(hub: Hub, pipeline: Path) -> None:
    pushed = push(pipeline)
    _, head, body = files(hub)["README.md"].decode().split("---\n", 2)
    metadata = yaml.safe_load(head)
    assert metadata["tags"] == ["spacy"]
    assert metadata["language"] == ["en"]
    assert metadata["license"] == "mit"
    (index,) = metadata["model-index"]
    assert index["name"] == "en_metals"
    assert index["results"] == [
        {
            "task": {"name": "NER", "type": "token-classification"},
            "metrics": [
                {"name": "NER Precision", "type": "precision", "value": 0.6},
                {"name": "NER Recall", "type": "recall", "value": 0.4},
                {"name": "NER F Score", "type": "f_score", "value": 0.5},
            ],
        }
    ]
    assert f"pip install {hub.url}/acme/metals/resolve/main/en_metals-1.2.3-py3-none-any.whl" in body
    assert str(pushed.location.sha256) in body


@pytest.mark.slow
def test_the_bundled_pipeline_keeps_its_own_readme(hub: Hub, tmp_path: Path) -> None:
    """The bundled pipeline is compiled, and its README.md is part of the artifact."""
    pushed = push("en_scienceie_minilm")
    assert pushed.version == "0.2.0-int8"
    card = files(hub)["README.md"].decode()
    metadata = yaml.safe_load(card.split("---\n", 2)[1])
    assert metadata["tags"] == ["spacy", "token-classification", "onnx", "spacy-lambda"]
    assert "| ner | 0.984 |" in card
    assert pull(pushed.location, tmp_path / "out").sha256 == pushed.location.sha256
    entry = cached_pipeline(pushed.location, CacheSettings(tmp_path / "cache"))
    entry.close()
    assert entry.folder.name == pushed.location.sha256


def test_original_and_compiled_side_by_side(hub: Hub, pipeline: Path, next_pipeline: Path, tmp_path: Path) -> None:
    pushed = push(next_pipeline, HubOptions(private=False, original=pipeline))
    assert not hub.repositories["acme/metals"].private
    there = files(hub)
    assert there["weights"] == (pipeline / "weights").read_bytes()
    assert there["onnx/weights"] == (next_pipeline / "weights").read_bytes()
    pulled = pull(REPOSITORY, tmp_path / "out")
    assert pulled.sha256 == pushed.location.sha256
    assert (pulled.path / "weights").read_bytes() == there["onnx/weights"]
    cached_pipeline(pushed.location, CacheSettings(tmp_path / "cache")).close()


def test_versions_and_aliases(hub: Hub, pipeline: Path, next_pipeline: Path) -> None:
    first = push(pipeline, NO_OPTIONS, "live")
    with pytest.raises(StoreError, match="with other contents") as caught:
        push(next_pipeline)
    assert "--force" in caught.value.remedy
    assert find_artifact(REPOSITORY).sha256 == first.location.sha256
    meta = json.loads((next_pipeline / "meta.json").read_text())
    (next_pipeline / "meta.json").write_text(json.dumps({**meta, "version": "1.3.0"}))
    (next_pipeline / "gone").unlink(missing_ok=True)
    second = push(next_pipeline)
    assert sorted(name for name in files(hub) if name.endswith(".whl")) == ["en_metals-1.3.0-py3-none-any.whl"]
    assert find_artifact(REPOSITORY.at("live")).sha256 == first.location.sha256
    moved = open_pipeline(REPOSITORY).move_alias("1.3.0", "live")
    assert moved.sha256 == second.location.sha256
    assert find_artifact(REPOSITORY.at("live")).sha256 == second.location.sha256
    versions = {version.version: version.aliases for version in list_versions(REPOSITORY)}
    assert versions == {"1.2.3": (), "1.3.0": ("live", "main")}


def test_a_branch(hub: Hub, pipeline: Path) -> None:
    push(pipeline, HubOptions(message="try it"), revision="next")
    repository = hub.repositories["acme/metals"]
    assert "config.cfg" in files(hub, "next")
    assert "config.cfg" not in files(hub)
    assert repository.messages == ["try it"]
    with pytest.raises(NotStoredError):
        find_artifact(REPOSITORY)


def test_an_ordinary_spacy_repository(hub: Hub, pipeline: Path, tmp_path: Path) -> None:
    push(pipeline)
    there = files(hub)
    for name in [name for name in there if name.startswith("spacy-lambda/")]:
        del there[name]
    pulled = pull(REPOSITORY, tmp_path / "out")
    assert not pulled.verified
    assert spacy.load(pulled.path).meta["name"] == "metals"
    assert not (pulled.path / "README.md").exists()
    with pytest.raises(ArtifactError, match="the artifact has the digest"):
        pull(parse_location(f"hf://acme/metals#sha256={'0' * 64}"), tmp_path / "other")
    with pytest.raises(NotStoredError, match=r"has no spacy-lambda/artifact\.json") as caught:
        find_artifact(REPOSITORY)
    assert "spacy-lambda push PIPELINE hf://acme/metals" in caught.value.remedy


# As the function reads it.


def test_the_token_goes_to_the_hub_alone(hub: Hub, pipeline: Path, tmp_path: Path) -> None:
    location = push(pipeline).location
    hub.token_at_cdn.clear()
    cached_pipeline(location, CacheSettings(tmp_path / "cache")).close()
    assert hub.token_at_cdn
    assert set(hub.token_at_cdn) == {None}


def test_a_connection_that_breaks(hub: Hub, pipeline: Path, tmp_path: Path) -> None:
    location = push(pipeline).location
    hub.break_after = 120_000
    cached_pipeline(location, CacheSettings(tmp_path / "cache")).close()
    assert (tmp_path / "cache" / str(location.sha256)).is_dir()


def test_files_that_were_changed_are_refused(hub: Hub, pipeline: Path, tmp_path: Path) -> None:
    location = push(pipeline).location
    there = files(hub)
    there["config.cfg"] = there["config.cfg"].replace(b"en", b"de", 1)
    for place in (location, REPOSITORY):
        with pytest.raises(ArtifactError):
            cached_pipeline(place, CacheSettings(tmp_path / "cache"))
        with pytest.raises(ArtifactError):
            pull(place, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("token", "location", "message", "remedy"),
    [
        ("hf_wrong", "hf://acme/metals", "access is denied", "HF_TOKEN"),
        ("", "hf://acme/metals", "access is denied", "HF_TOKEN"),
        ("hf_right", "hf://acme/none", "has no spacy-lambda", "push PIPELINE hf://acme/none"),
        ("hf_right", "hf://acme/metals@v9", "has no spacy-lambda", "push PIPELINE hf://acme/metals"),
    ],
)
def test_refused(
    token: str,
    location: str,
    message: str,
    remedy: str,
    hub: Hub,
    pipeline: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    push(pipeline)
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(StoreError, match=message) as caught:
        find_artifact(parse_location(location))
    assert remedy in caught.value.remedy
    with pytest.raises(StoreError) as pulled:
        pull(parse_location(location), tmp_path / "out")
    assert "HF_TOKEN" in pulled.value.remedy
    if token != "hf_right":
        with pytest.raises(StoreError) as pushed:
            push_pipeline(str(pipeline), open_store(parse_location(location)))
        assert "HF_TOKEN" in pushed.value.remedy


def test_unreachable(pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.utils import _http

    monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)
    for call in (
        lambda: find_artifact(REPOSITORY),
        lambda: push(pipeline),
        lambda: pull(REPOSITORY, tmp_path / "out"),
    ):
        with pytest.raises(StoreError, match="cannot be reached") as caught:
            call()
        assert "HF_ENDPOINT" in caught.value.remedy


def test_a_broken_record(hub: Hub, pipeline: Path) -> None:
    push(pipeline)
    for content in (b"", b"[]", b'{"sha256": 1}'):
        files(hub)["spacy-lambda/artifact.json"] = content
        with pytest.raises(StoreError, match="invalid spacy-lambda/artifact"):
            find_artifact(REPOSITORY)


def test_a_busy_hub_is_retried(hub: Hub, pipeline: Path) -> None:
    location = push(pipeline).location
    waits: list[float] = []
    hub.busy = 3
    assert find_on_hub(REPOSITORY, sleep=waits.append).sha256 == location.sha256
    assert waits == sorted(waits)
    assert len(waits) == 3
    hub.busy = 50
    with pytest.raises(StoreError, match="the Hub responded with 503"):
        find_on_hub(REPOSITORY, sleep=waits.append)
