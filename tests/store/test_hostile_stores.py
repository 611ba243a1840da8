"""A bucket or a shared folder that an attacker writes to: its pointers and metadata never become paths."""

from __future__ import annotations

import io
import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.core.artifact.pack import Packed
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, FoundArtifact, S3Options
from spacy_lambda.core.source.layout import Pointer, artifact_key, ref_key
from spacy_lambda.errors import DigestError, LocationError, SpacyLambdaError, StoreError
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.settings import CacheSettings
from spacy_lambda.store.factory import list_versions, open_pipeline, open_store
from spacy_lambda.store.transfer import pull, push
from tests.canary import make_canary, untouched

D0 = "0" * 64
NAME = "en_metals"

DIGESTS: list[Any] = [
    *(
        "",
        " ",
        ".",
        "..",
        "../x",
        "../../home",
        "/",
        "/some/folder",
        "{home}",
        "{home}/.ssh",
        "latest",
        D0[1:],
        D0 + "0",
    ),
    *("A" * 64, f"{D0}\n", f" {D0[1:]}", f"sha256:{D0}", f"../{D0[3:]}", f"{D0[1:]}/", "٠" * 64, "\ud800", "\0" * 64),
    *(None, 0, True, [], {}, [D0], 1.5),
]


def refused(location: Location, tmp_path: Path, *, s3: S3Options = FROM_ENVIRONMENT) -> SpacyLambdaError:
    """The function's error, which is pull's too; nothing is left behind by either."""
    (tmp_path / "cache").mkdir(exist_ok=True)
    make_canary(tmp_path / "cache" / "sibling")
    with untouched(tmp_path / "cache"):
        with pytest.raises(SpacyLambdaError) as caught:
            cached_pipeline(location, CacheSettings(tmp_path / "cache" / "root"), find=partial(find_artifact, s3=s3))
        with pytest.raises(SpacyLambdaError):
            pull(location, tmp_path / "out", s3=s3)
    assert not (tmp_path / "out").exists()
    assert caught.value.remedy
    return caught.value


def write(root: Path, key: str, data: bytes) -> None:
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def with_pointer(root: Path, change: dict[str, Any], packed: Packed, home: Path) -> Location:
    """A store in a folder that holds the artifact, and a pointer that is not what it should be."""
    write(root, artifact_key(NAME, packed.sha256), packed.path.read_bytes())
    content = {"kind": "alias", "version": "1.2.3", "sha256": packed.sha256, "size": packed.size}
    for key, value in change.items():
        content[key] = value.replace("{home}", str(home)) if isinstance(value, str) else value
    data = json.dumps({key: value for key, value in content.items() if value is not ...}).encode()
    write(root, ref_key(NAME, "latest"), data)
    return parse_location(str(root / NAME))


def test_a_valid_store(packed: Packed, victim: Path, tmp_path: Path) -> None:
    """The control, without which refusals would prove nothing."""
    location = with_pointer(tmp_path / "store", {}, packed, victim)
    assert pull(location, tmp_path / "out").sha256 == packed.sha256


@pytest.mark.parametrize(
    "change",
    [
        *({"sha256": digest} for digest in [*DIGESTS, ...]),
        *({"kind": kind} for kind in ("", "link", None, 1, ...)),
        *(
            {"version": version}
            for version in ("", "..", "../1", "/1", "1\n", "\x1b[31m1", "[red]1", None, 1, "9" * 200)
        ),
        *({"size": size} for size in (-1, 0, 2**63, 1.5, True, None, "1")),
        {"path": "x"},
    ],
    ids=lambda change: ascii(change)[:40],
)
def test_pointers(change: dict[str, Any], packed: Packed, victim: Path, tmp_path: Path) -> None:
    location = with_pointer(tmp_path / "store", change, packed, victim)
    assert "is not a valid pointer" in refused(location, tmp_path).message
    with pytest.raises(StoreError, match="is not a valid pointer"):
        list_versions(parse_location(str(tmp_path / "store")))
    with pytest.raises(StoreError, match="is not a valid pointer"):
        open_pipeline(location).move_alias("latest", "live")


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[" * 100_000, b"\xff", b"1e999", b"{}" * 5000, b'{"sha256": "a", "sha256": "b"}', b"9" * 4000],
    ids=range(8),
)
def test_invalid_pointers(data: bytes, victim: Path, tmp_path: Path) -> None:
    write(tmp_path / "store", ref_key(NAME, "latest"), data)
    assert "is not a valid pointer" in refused(parse_location(str(tmp_path / "store" / NAME)), tmp_path).message


@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "device", "large"])
def test_pointers_that_are_not_files(kind: str, packed: Packed, victim: Path, tmp_path: Path) -> None:
    refs = tmp_path / "store" / NAME / "refs"
    refs.mkdir(parents=True)
    path = refs / "latest.json"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "large":
        path.touch()
        os.truncate(path, 2**33)
    else:
        path.symlink_to(victim / ".ssh/id_rsa" if kind == "link" else "/dev/zero")
    refused(parse_location(str(tmp_path / "store" / NAME)), tmp_path)


def test_artifacts_that_lie_elsewhere(packed: Packed, victim: Path, tmp_path: Path) -> None:
    """A link in the place of the folder of artifacts: nothing is written through it."""
    location = with_pointer(tmp_path / "store", {}, packed, victim)
    artifacts = tmp_path / "store" / NAME / "artifacts"
    for path in (*artifacts.iterdir(), artifacts):
        path.unlink() if path.is_file() else path.rmdir()
    artifacts.symlink_to(victim)
    refused(location, tmp_path)
    with pytest.raises(SpacyLambdaError, match="leads out of the folder"):
        push(str(packed.path), open_store(parse_location(str(tmp_path / "store"))))


@pytest.mark.parametrize("name", ["..", "a/..", "../home"])
def test_a_pipeline_that_is_named_by_a_way_out(name: str, victim: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with pytest.raises(SpacyLambdaError):
        open_pipeline(parse_location(f"{tmp_path}/store/{name}")).move_alias("latest", "live")


def test_a_version_that_looks_like_a_digest_is_not_pushed(pipeline: Path, tmp_path: Path) -> None:
    """A reference of that form is a digest, and never looked up."""
    with pytest.raises(StoreError, match="is not a valid alias"):
        push(str(pipeline), open_store(parse_location(str(tmp_path / "store"))), aliases=(D0,))


@pytest.mark.parametrize(
    "key", ["\x1b[31m/refs/1.json", "[red]x[/red]/refs/1.json", "en_x/refs/\n.json", f"en_x/refs/{'a' * 90}.json"]
)
def test_keys_that_no_registry_writes_are_ignored(key: str, tmp_path: Path) -> None:
    write(tmp_path / "store", key, Pointer("version", "1", Digest(D0), 1).to_bytes())
    assert list_versions(parse_location(str(tmp_path / "store"))) == []


def test_bytes_under_an_artifact_s_key_are_verified(packed: Packed, tmp_path: Path) -> None:
    """Other bytes of the same size in its place: a push that kept them would report a false success."""
    root = parse_location(str(tmp_path / "store"))
    path = tmp_path / "store" / artifact_key(NAME, packed.sha256)
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(packed.size))
    assert push(str(packed.path), open_store(root)).uploaded == packed.size
    assert path.read_bytes() == packed.path.read_bytes()
    assert push(str(packed.path), open_store(root), aliases=("live",)).uploaded == 0


# S3. What it answers is given to the client as botocore gives it: moto refuses some of these values itself.


class FakeS3:
    """A client of S3 with one object, which an attacker has chosen.

    :param data: ``None`` if nothing is to be fetched.
    """

    def __init__(self, metadata: dict[str, Any], data: bytes | None = None) -> None:
        self._metadata, self._data = metadata, data

    def head_object(self, **_: str) -> dict[str, Any]:
        return {"Metadata": self._metadata}

    def get_object(self, **_: str) -> dict[str, Any]:
        assert self._data is not None
        return {"Body": io.BytesIO(self._data)}


@pytest.mark.parametrize("key", ["sha256", "SHA256"])
@pytest.mark.parametrize("digest", [one for one in DIGESTS if isinstance(one, str)], ids=ascii)
def test_metadata(key: str, digest: str, victim: Path, tmp_path: Path) -> None:
    client = FakeS3({key: digest.replace("{home}", str(victim))})
    error = refused(parse_location("s3://models/x.tar"), tmp_path, s3=S3Options(client=client))
    assert "the metadata sha256 of s3://models/x.tar is" in error.message
    assert "spacy-lambda push" in error.remedy


def test_metadata_with_two_values(victim: Path, tmp_path: Path) -> None:
    s3 = S3Options(client=FakeS3({"sha256": D0, "Sha256": "1" * 64}))
    assert "several values" in refused(parse_location("s3://models/x.tar"), tmp_path, s3=s3).message


@pytest.mark.parametrize("digest", ["..", "/some/folder", "A" * 64, D0])
def test_metadata_in_a_bucket(digest: str, s3: Any, packed: Packed, victim: Path, tmp_path: Path) -> None:
    s3.put_object(Bucket="models", Key="x.tar", Body=packed.path.read_bytes(), Metadata={"sha256": digest})
    (tmp_path / "cache").mkdir()
    for call in (
        lambda: cached_pipeline(parse_location("s3://models/x.tar"), CacheSettings(tmp_path / "cache" / "root")),
        lambda: pull(parse_location("s3://models/x.tar"), tmp_path / "out"),
    ):
        with pytest.raises(SpacyLambdaError) as caught:
            call()
        assert caught.value.remedy
    assert not (tmp_path / "out").exists()
    location = parse_location(f"s3://models/x.tar#sha256={packed.sha256}")
    assert pull(location, tmp_path / "out").sha256 == packed.sha256


@pytest.mark.parametrize("digest", [*DIGESTS[:-6], "x"], ids=ascii)
def test_pointers_in_a_bucket(digest: Any, victim: Path, tmp_path: Path) -> None:
    content = {"kind": "alias", "version": "1", "sha256": digest, "size": 1}
    s3 = S3Options(client=FakeS3({}, json.dumps(content).encode()))
    assert "is not a valid pointer" in refused(parse_location("s3://models/en_metals@live"), tmp_path, s3=s3).message


def test_objects_that_are_not_small(s3: Any) -> None:
    s3.put_object(Bucket="models", Key="en_metals/refs/live.json", Body=bytes(5 * 2**20))
    with pytest.raises(StoreError, match="has more than 4,194,304 bytes"):
        find_artifact(parse_location("s3://models/en_metals@live"), s3=S3Options())


# The types themselves.


def nothing() -> Any:
    raise AssertionError("nothing is to be opened")


@pytest.mark.parametrize("digest", [one for one in DIGESTS if one is not None], ids=ascii)
def test_no_location_and_no_artifact_has_another_digest(digest: Any) -> None:
    with pytest.raises(LocationError):
        Location("file", "x", None, digest)
    with pytest.raises(DigestError):
        FoundArtifact("x", digest, None, nothing)


@pytest.mark.parametrize("size", [-1, True, 1.5, "1"])
def test_no_artifact_has_another_size(size: Any) -> None:
    with pytest.raises(StoreError, match="invalid size"):
        FoundArtifact("x", None, size, nothing)


@pytest.mark.parametrize(
    "digits", ["", "..", "/etc", "zz", "0" * 63, "0" * 65, "٠" * 64, "ｆ" * 64, f"{D0}\n", f" {D0[1:]}", "0x12"]
)
def test_locations_with_other_digests(digits: str) -> None:
    for place in ("x", "./x.tar", "s3://models/x.tar", "hf://acme/metals"):
        with pytest.raises(LocationError):
            parse_location(f"{place}#sha256={digits}")
    assert parse_location(f"x#SHA256={'AB' * 32}").sha256 == "ab" * 32
