"""Folder and S3: the same versions, aliases and refusals."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import spacy
from botocore.exceptions import ReadTimeoutError

import spacy_lambda
from spacy_lambda.core.artifact.unpack import unpack_stream
from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.source.found_artifact import S3Options
from spacy_lambda.errors import (
    ArtifactError,
    InvalidPipelineError,
    LocationError,
    NotStoredError,
    SpacyLambdaError,
    StoreError,
)
from spacy_lambda.store.factory import list_versions, open_pipeline, open_store
from spacy_lambda.store.s3 import Encryption, S3Storage
from spacy_lambda.store.transfer import pull
from spacy_lambda.store.transfer import push as push_pipeline

KINDS = ("folder", "s3")


@pytest.fixture(params=KINDS)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """An empty store."""
    if request.param == "folder":
        return parse_location(str(tmp_path / "store"))
    request.getfixturevalue("s3")
    return parse_location("s3://models/team/ner")


def push(pipeline: Path, root: Location, *aliases: str, replace: bool = False) -> Location:
    return push_pipeline(str(pipeline), open_store(root), aliases=aliases, replace=replace).location


def test_there_and_back(pipeline: Path, root: Location, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    pushed = push_pipeline(
        str(pipeline), open_store(root), aliases=("latest",), on_step=lambda *step: seen.append(step)
    )
    assert str(pushed.location) == f"{root}/en_metals@1.2.3#sha256={pushed.location.sha256}"
    assert pushed.uploaded > 300_000
    assert seen[-1] == ("pushing", pushed.uploaded, pushed.uploaded)
    name = str(pushed.location.at(None))
    for number, text in enumerate([str(pushed.location), f"{name}@1.2.3", f"{name}@latest", name]):
        pulled = pull(parse_location(text), tmp_path / str(number))
        assert pulled.sha256 == pushed.location.sha256
        assert [ent.label_ for ent in spacy.load(pulled.path)("iron").ents] == ["METAL"]
    by_digest = pull(parse_location(f"{name}@{pushed.location.sha256}"), tmp_path / "again.tar")
    assert by_digest.sha256 == pushed.location.sha256
    assert pull(parse_location(str(tmp_path / "again.tar")), tmp_path / "b").sha256 == pushed.location.sha256


def test_a_stored_artifact_is_not_sent_again(pipeline: Path, root: Location) -> None:
    assert push_pipeline(str(pipeline), open_store(root)).uploaded > 0
    assert push_pipeline(str(pipeline), open_store(root), aliases=("live",)).uploaded == 0
    (version,) = open_store(root).versions()
    assert version.aliases == ("live",)


def test_the_same_contents_keep_their_time(pipeline: Path, next_pipeline: Path, root: Location) -> None:
    push(pipeline, root)
    (before,) = open_store(root).versions()
    time.sleep(1.1 if root.scheme == "s3" else 0.01)  # S3 counts seconds
    push(pipeline, root, "live")
    push(pipeline, root, replace=True)
    (after,) = open_store(root).versions()
    assert after.modified == before.modified


def test_a_version_does_not_change(pipeline: Path, next_pipeline: Path, root: Location) -> None:
    first = push(pipeline, root, "latest")
    with pytest.raises(StoreError, match="with other contents") as caught:
        push(next_pipeline, root, "latest")
    assert "--force" in caught.value.remedy
    assert find_artifact(first.at("latest")).sha256 == first.sha256
    second = push(next_pipeline, root, "latest", replace=True)
    assert second.sha256 != first.sha256
    assert find_artifact(first.at("1.2.3")).sha256 == second.sha256
    # The artifact that a function names by digest still exists.
    assert find_artifact(first).sha256 == first.sha256


def test_aliases_move(pipeline: Path, next_pipeline: Path, root: Location, tmp_path: Path) -> None:
    meta = json.loads((next_pipeline / "meta.json").read_text())
    (next_pipeline / "meta.json").write_text(json.dumps({**meta, "version": "1.3.0"}))
    first, second = push(pipeline, root, "latest", "live"), push(next_pipeline, root, "latest")
    store = open_pipeline(first)
    versions = {version.version: version for version in open_store(root).versions()}
    assert {name: version.aliases for name, version in versions.items()} == {"1.2.3": ("live",), "1.3.0": ("latest",)}
    assert [version.version for version in list_versions(first)] == ["1.2.3", "1.3.0"]
    moved = store.move_alias("1.3.0", "live")
    assert (moved.version, moved.sha256) == ("1.3.0", second.sha256)
    assert find_artifact(first.at("live")).sha256 == second.sha256
    store.move_alias("1.2.3", "live")
    assert find_artifact(first.at("live")).sha256 == first.sha256
    for call, message in (
        (lambda: store.move_alias("9.9.9", "live"), "in version '9.9.9'"),
        (lambda: store.move_alias("1.2.3", "1.3.0"), "is a version of en_metals"),
        (lambda: store.move_alias("1.2.3", "../x"), "is not a valid alias"),
    ):
        with pytest.raises(StoreError, match=message) as caught:
            call()
        assert caught.value.remedy


def test_missing_versions(pipeline: Path, root: Location) -> None:
    location = push(pipeline, root)
    for text in (f"{root}/en_metals@9", f"{root}/en_metals@latest", f"{root}/en_metals@{'0' * 64}"):
        with pytest.raises(NotStoredError) as caught, find_artifact(parse_location(text)).open() as stream:
            stream.read(1)
        assert "spacy-lambda ls" in caught.value.remedy
    with pytest.raises(LocationError, match="names a version"):
        open_store(location)
    with pytest.raises((NotStoredError, LocationError)):
        find_artifact(parse_location(f"{root}/other"))


def test_a_damaged_artifact_is_refused(pipeline: Path, root: Location, tmp_path: Path, request: Any) -> None:
    location = push(pipeline, root)
    flip = flip_in_folder if root.scheme == "file" else flip_in_s3
    flip(root, location, request)
    for text in (str(location), str(location.at("1.2.3"))):
        with pytest.raises(ArtifactError):
            pull(parse_location(text), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def flip_in_folder(root: Location, location: Location, request: Any) -> None:
    path = Path(root.path, "en_metals", "artifacts", f"{location.sha256}.tar")
    path.write_bytes(flipped(path.read_bytes()))


def flip_in_s3(root: Location, location: Location, request: Any) -> None:
    s3, key = request.getfixturevalue("s3"), f"team/ner/en_metals/artifacts/{location.sha256}.tar"
    data = s3.get_object(Bucket="models", Key=key)["Body"].read()
    s3.put_object(Bucket="models", Key=key, Body=flipped(data))


def flipped(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[200_000] ^= 4
    return bytes(changed)


def test_a_broken_pointer(pipeline: Path, tmp_path: Path) -> None:
    root = parse_location(str(tmp_path / "store"))
    location = push(pipeline, root, "live")
    for content in ("", "{}", '{"kind": "alias", "version": "1", "sha256": "../../x", "size": 1}', "[1]"):
        Path(root.path, "en_metals", "refs", "live.json").write_text(content)
        with pytest.raises(StoreError, match="is not a valid pointer"):
            find_artifact(location.at("live"))


@pytest.mark.parametrize(
    ("meta", "error"),
    [
        ({"name": "../evil"}, InvalidPipelineError),
        ({"version": "1/2"}, InvalidPipelineError),
        ({"lang": "/"}, InvalidPipelineError),
        ({"name": "новости"}, StoreError),
        ({"version": "1!2"}, StoreError),
    ],
)
def test_names_that_cannot_be_keys(
    meta: dict[str, str], error: type[SpacyLambdaError], next_pipeline: Path, tmp_path: Path
) -> None:
    old = json.loads((next_pipeline / "meta.json").read_text())
    (next_pipeline / "meta.json").write_text(json.dumps({**old, **meta}))
    with pytest.raises(error) as caught:
        push(next_pipeline, parse_location(str(tmp_path / "store")))
    assert "meta.json" in caught.value.remedy
    assert not (tmp_path / "store").exists()


# S3 alone.


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of three parts."""
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * (40 * 4096))
    return path


class Interrupted:
    """A client of S3 that is interrupted when it sends the third part."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.sent: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def upload_part(self, **options: Any) -> Any:
        if options["PartNumber"] == 3:
            raise KeyboardInterrupt
        response = self._client.upload_part(**options)
        self.sent.append(options["PartNumber"])
        return response


@pytest.mark.slow
def test_an_interrupted_upload_is_resumed(s3: Any, large: Path) -> None:
    objects, digest, client = S3Storage("models", "p"), "d" * 64, Interrupted(s3)
    interrupted = S3Storage("models", "p", options=S3Options(client=client))
    with pytest.raises(KeyboardInterrupt):
        interrupted.upload("x.tar", large, sha256=digest, on_bytes=lambda done, total: None)
    assert objects.keys("") == {}
    seen: list[int] = []
    uploaded = objects.upload("x.tar", large, sha256=digest, on_bytes=lambda done, total: seen.append(done))
    size = large.stat().st_size
    assert uploaded == size - 16 * 2**20 * len(client.sent)
    assert max(seen) == size
    assert s3.get_object(Bucket="models", Key="p/x.tar")["Body"].read() == large.read_bytes()
    assert s3.head_object(Bucket="models", Key="p/x.tar")["Metadata"] == {"sha256": digest}
    assert objects.upload("x.tar", large, sha256=digest, on_bytes=lambda done, total: None) == 0


@pytest.mark.slow
def test_a_part_with_other_bytes_is_sent_again(s3: Any, large: Path) -> None:
    begun = s3.create_multipart_upload(Bucket="models", Key="x.tar", ChecksumAlgorithm="SHA256")
    part = bytes(16 * 2**20)
    s3.upload_part(Bucket="models", Key="x.tar", UploadId=begun["UploadId"], PartNumber=1, Body=part)
    S3Storage("models", "").upload("x.tar", large, sha256="d" * 64, on_bytes=lambda done, total: None)
    assert s3.get_object(Bucket="models", Key="x.tar")["Body"].read() == large.read_bytes()


def test_a_version_is_written_once(s3: Any) -> None:
    objects = S3Storage("models", "p")
    assert objects.create("k", b"1")
    assert not objects.create("k", b"2")
    assert objects.read("k") == b"1"
    objects.replace("k", b"3")
    assert objects.read("k") == b"3"
    assert objects.read("none") is None


def test_encryption(s3: Any, pipeline: Path) -> None:
    location = parse_location("s3://models")
    push_pipeline(str(pipeline), open_store(location, encryption=Encryption("aws:kms", "alias/mine")))
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="models")["Contents"]]
    assert len(keys) == 2
    assert {s3.head_object(Bucket="models", Key=key)["ServerSideEncryption"] for key in keys} == {"aws:kms"}


def test_an_object_that_ends_in_tar(s3: Any, pipeline: Path, tmp_path: Path) -> None:
    location = push(pipeline, parse_location("s3://models/a"))
    key = f"a/en_metals/artifacts/{location.sha256}.tar"
    assert find_artifact(parse_location(f"s3://models/{key}")).sha256 == location.sha256
    s3.put_object(Bucket="models", Key="plain.tar", Body=s3.get_object(Bucket="models", Key=key)["Body"].read())
    found = find_artifact(parse_location("s3://models/plain.tar"))
    assert found.sha256 is None
    with found.open() as stream:
        assert unpack_stream(stream, tmp_path / "out").sha256 == location.sha256


@pytest.mark.parametrize(
    ("change", "message", "remedy"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "cannot be reached", "gateway endpoint for S3"),
        ({"AWS_ACCESS_KEY_ID": ""}, "no AWS credentials", "aws configure"),
        ({"AWS_PROFILE": "nobody"}, "S3 cannot be used", "aws configure"),
    ],
)
def test_s3_is_unreachable(
    s3: Any, change: dict[str, str], message: str, remedy: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name, value in change.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    with pytest.raises(StoreError, match=message) as caught:
        find_artifact(parse_location("s3://models/en_metals@live"))
    assert remedy in caught.value.remedy


def test_no_such_bucket(s3: Any, pipeline: Path) -> None:
    for call in (
        lambda: push(pipeline, parse_location("s3://nobodys/x")),
        lambda: open_store(parse_location("s3://nobodys")).versions(),
        lambda: find_artifact(parse_location("s3://nobodys/en_metals")),
    ):
        with pytest.raises(StoreError, match="the bucket 'nobodys' does not exist") as caught:
            call()
        assert "aws s3 mb s3://nobodys" in caught.value.remedy


class Stalling:
    """A client of S3 whose second read times out, of whichever body it is."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._reads = itertools.count(1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_object(self, **options: Any) -> dict[str, Any]:
        response: dict[str, Any] = self._client.get_object(**options)
        body = response["Body"]

        def read(size: int) -> bytes:
            if next(self._reads) == 2:
                raise ReadTimeoutError(endpoint_url="x")
            data: bytes = body.read(size)
            return data

        return {**response, "Body": SimpleNamespace(read=read)}


def test_an_object_that_is_replaced_while_it_is_read(s3: Any) -> None:
    location = parse_location("s3://models/x.tar")
    s3.put_object(Bucket="models", Key="x.tar", Body=b"a" * 3_000_000)
    with find_artifact(location, s3=S3Options(client=Stalling(s3))).open() as stream:
        data = b"".join(iter(lambda: bytes(stream.read(1 << 20)), b""))
    assert data == b"a" * 3_000_000
    with find_artifact(location, s3=S3Options(client=Stalling(s3))).open() as stream:
        stream.read(1 << 20)
        s3.put_object(Bucket="models", Key="x.tar", Body=b"b" * 3_000_000)
        with pytest.raises(StoreError, match="was replaced while it was read"):
            stream.read(1 << 20)


# A folder alone.


def test_a_folder_that_cannot_be_written(pipeline: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file") as caught:
        push(pipeline, parse_location(str(tmp_path / "file")))
    assert caught.value.remedy == "give a folder, not a file"


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        open_store(parse_location(str(tmp_path / "none"))).versions()


def test_locations_may_be_strings(pipeline: Path, tmp_path: Path) -> None:
    pushed = spacy_lambda.push(str(pipeline), str(tmp_path / "store"), aliases=("latest",))
    pulled = spacy_lambda.pull(f"{tmp_path}/store/en_metals", tmp_path / "out")
    assert pulled.sha256 == pushed.location.sha256
    with pytest.raises(LocationError, match="not a store"):
        spacy_lambda.push(str(pipeline), f"{tmp_path}/store/en_metals@latest")


def test_a_damaged_alias_is_replaced_as_its_error_recommends(pipeline: Path, root: Location, tmp_path: Path) -> None:
    location = push(pipeline, root, "live")
    storage = open_store(root)._objects  # type: ignore[attr-defined]
    named = location.at("live")
    for mend in (
        lambda: open_pipeline(location.at(None)).move_alias("1.2.3", "live"),
        lambda: push(pipeline, root, "live"),
    ):
        storage.replace("en_metals/refs/live.json", b'{"kind": "ali')
        with pytest.raises(StoreError) as caught:
            pull(named, tmp_path / "out")
        assert "or move the alias again" in caught.value.remedy
        mend()
        assert find_artifact(named) is not None
