"""A repository with a malicious owner: the function and pull refuse it, and change no other files."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.core.artifact.manifest import Manifest
from spacy_lambda.core.artifact.pack import Packed
from spacy_lambda.core.artifact.tar import artifact_size, chunks
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.location import parse_location
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.source.hub import CARD, find_on_hub
from spacy_lambda.errors import ArtifactError, NotStoredError, SpacyLambdaError, StoreError
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.settings import CacheSettings
from spacy_lambda.store.factory import list_versions, open_pipeline, open_store
from spacy_lambda.store.hub.hub_store import HubOptions
from spacy_lambda.store.transfer import pull, push
from tests.store.hub_server import TOKEN, Hub, Repository

# huggingface_hub leaves the connections of its threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

LOCATION = parse_location("hf://acme/metals")
RECORD, MANIFEST = "spacy-lambda/artifact.json", "spacy-lambda/manifest.json"
COMMIT = "1" * 40
D0 = "0" * 64


@pytest.fixture(scope="module")
def running() -> Iterator[Hub]:
    with Hub(os.environ["HF_ENDPOINT"]).running() as hub:
        yield hub


@pytest.fixture
def there(running: Hub, packed: Packed, pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The files of a valid repository."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    record = {"sha256": packed.sha256, "size": packed.size, "folder": ""}
    files = {entry.path: (pipeline / entry.path).read_bytes() for entry in packed.manifest.files}
    files |= {RECORD: json.dumps(record).encode(), MANIFEST: packed.manifest.to_bytes(), CARD: b"# Metals"}
    running.repositories["acme/metals"] = Repository(False, {"main": COMMIT}, {}, {COMMIT: files})
    return files


def refused(tmp_path: Path) -> list[SpacyLambdaError]:
    """The errors of the function and of pull; nothing is left behind by either."""
    cache, errors = tmp_path / "cache", []
    calls: list[Callable[[], Any]] = [
        lambda: cached_pipeline(LOCATION, CacheSettings(cache), find=partial(find_on_hub, sleep=lambda seconds: None)),
        lambda: pull(LOCATION, tmp_path / "out"),
    ]
    for call in calls:
        with pytest.raises(SpacyLambdaError) as caught:
            call()
        assert caught.value.remedy
        errors.append(caught.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"home", "cache"}
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    return errors


def test_a_valid_repository(there: dict[str, bytes], packed: Packed, victim: Path, tmp_path: Path) -> None:
    """The control, without which refusals would prove nothing."""
    pulled = pull(LOCATION, tmp_path / "out")
    assert (pulled.sha256, pulled.verified) == (packed.sha256, True)
    names = {path.relative_to(pulled.path).as_posix() for path in pulled.path.rglob("*") if path.is_file()}
    assert names == {entry.path for entry in packed.manifest.files}
    entry = cached_pipeline(LOCATION, CacheSettings(tmp_path / "cache"))
    entry.close()
    assert entry.sha256 == packed.sha256


FOLDERS = [
    *(
        "/",
        "/etc",
        "{home}",
        "{home}/.ssh",
        "..",
        "../..",
        "../../../.ssh",
        ".",
        "./",
        "onnx/..",
        "onnx/../..",
        "onnx/",
    ),
    *(
        "/onnx",
        "//host/x",
        "\\\\host\\x",
        "C:\\",
        "~/.ssh",
        ".ssh",
        ".git",
        "onnx/.git/hooks",
        "a\nb",
        "a\0b",
        "con",
        "x.",
    ),
    *(
        "a" * 300,
        "/".join("a" * 40),
        "．．/x",
        "\ud800",
        "a?token=1",
        "../",
    ),
]
DIGESTS: list[Any] = [
    *("", " ", ".", "..", "../x", "/", "/some/folder", "{home}", "{home}/.ssh", "latest", "0" * 63, "0" * 65),
    *("A" * 64, f"{D0}\n", f" {D0[1:]}", f"sha256:{D0}", f"../{D0[3:]}", "٠" * 64, None, 0, True, [], {}, [D0], 1e9),
]
SIZES: list[Any] = [-1, 0, 1, 2**63, 10**20, 1.5, True, None, "1", "{size}", [], 10 * 2**30 + 2**27]


def any_of(key: str, *values: Any) -> list[dict[str, Any]]:
    """Return objects with one key, which has each of these values in turn."""
    return [{key: value} for value in values]


@pytest.mark.parametrize(
    "change",
    [
        *any_of("folder", *FOLDERS, None, 0, True, [], ["onnx"], {}),
        *({"sha256": digest} for digest in DIGESTS),
        *({"size": size} for size in SIZES),
        *({"sha256": digest, "folder": "../../../.ssh"} for digest in ("", D0)),
        *({key: 1} for key in ("path", "url", "FOLDER", "files", "")),
        *({key: ...} for key in ("sha256", "size", "folder")),
    ],
    ids=lambda change: ascii(change)[:40],
)
def test_records(change: dict[str, Any], there: dict[str, bytes], victim: Path, tmp_path: Path) -> None:
    record = json.loads(there[RECORD])
    for key, value in change.items():
        text = value.replace("{home}", str(victim)) if isinstance(value, str) else value
        record[key] = str(record["size"]) if text == "{size}" else text
    there[RECORD] = json.dumps({key: value for key, value in record.items() if value is not ...}).encode()
    for error in refused(tmp_path):
        assert "spacy-lambda/artifact.json" in error.message


@pytest.mark.parametrize("change", [{"sha256": ""}, {"sha256": "../x"}, {"folder": "/etc"}, {"size": True}], ids=ascii)
def test_listing_and_moving_an_alias_read_records_too(
    change: dict[str, Any], there: dict[str, bytes], victim: Path
) -> None:
    there[RECORD] = json.dumps(json.loads(there[RECORD]) | change).encode()
    for call in (lambda: list_versions(LOCATION), lambda: open_pipeline(LOCATION).move_alias("main", "live")):
        with pytest.raises(StoreError, match="invalid spacy-lambda/artifact"):
            call()


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"null", b"[]", b'"x"', b"1", b"[" * 100_000, b'{"sha256":' * 50_000, b"\xff\xfe", b"{}" * 3000),
        *(
            b'{"sha256": "%s", "size": 1e999, "folder": ""}' % D0.encode(),
            b"[NaN]",
            b"9" * 5000,
            b'"\\ud800"',
            b" " * 5000,
        ),
        b'{"folder": "", "folder": "/etc", "sha256": "%s", "size": 1}' % D0.encode(),
    ],
    ids=lambda data: ascii(data)[:20],
)
def test_invalid_records(data: bytes, there: dict[str, bytes], victim: Path, tmp_path: Path) -> None:
    there[RECORD] = data
    refused(tmp_path)


def forge(there: dict[str, bytes], manifest: bytes) -> None:
    """Write a record that matches a manifest."""
    record = json.loads(there[RECORD])
    size = len(manifest)
    there[MANIFEST] = manifest
    there[RECORD] = json.dumps({**record, "sha256": hashlib.sha256(manifest).hexdigest(), "size": size + 4096}).encode()


@pytest.mark.parametrize(
    "path",
    [
        *(
            "{home}/.ssh/id_rsa",
            "../home/.ssh/id_rsa",
            "../../.ssh/id_rsa",
            "../.bashrc",
            "code/../..",
            "a/../../x",
            "/x",
        ),
        *("..", ".", "", "/", ".ssh/id_rsa", ".git/config", "a/.git/hooks/pre-commit", ".gitattributes", ".GIT/config"),
        *(
            "a\\..\\x",
            "C:x",
            "//host/x",
            "a\0b",
            "a\nb",
            "con",
            "nul.cfg",
            "a.",
            "a ",
            "\ud800",
            "．．/x",
            "a/__pycache__/b.pyc",
        ),
        *("a" * 300, "/".join("a" * 20), "..\\..\\x", "a//b", "./x", "x/"),
    ],
    ids=lambda path: ascii(path)[:30],
)
def test_manifests_that_name_paths(path: str, there: dict[str, bytes], victim: Path, tmp_path: Path) -> None:
    path = path.replace("{home}", str(victim))
    file = {"path": path, "sha256": hashlib.sha256(b"").hexdigest(), "size": 0}
    content = {"files": [file], "format_version": 1, "pipeline": {"lang": "en", "name": "x", "version": "1"}}
    forge(there, json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    for error in refused(tmp_path):
        assert "manifest" in error.message


def with_file(packed: Packed, **change: Any) -> bytes:
    content = json.loads(packed.manifest.to_bytes())
    content["files"][0] |= change
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize(
    "change",
    [
        *any_of("sha256", "", "..", "/etc", "A" * 64, "0" * 63, None, 0, [], True),
        *({"size": size} for size in (-1, 2**63, 8 * 2**30, 1.0, True, None, "1")),
        *({"path": path} for path in (None, 0, [], ["a"])),
        *({key: 1} for key in ("mode", "link", "target")),
    ],
    ids=ascii,
)
def test_manifests_of_other_types(
    change: dict[str, Any], there: dict[str, bytes], packed: Packed, victim: Path, tmp_path: Path
) -> None:
    forge(there, with_file(packed, **change))
    refused(tmp_path)


def test_a_manifest_with_another_digest_of_a_file(
    there: dict[str, bytes], packed: Packed, victim: Path, tmp_path: Path
) -> None:
    """The artifact matches the record to the byte, but its manifest has a wrong digest of a file."""
    first, *rest = packed.manifest.files
    wrong = type(first)(first.path, first.size, Digest(D0))
    manifest = Manifest(packed.manifest.pipeline, (wrong, *rest))
    there[MANIFEST] = manifest.to_bytes()
    digest = hashlib.sha256()
    for chunk in chunks(manifest, lambda entry: [there[entry.path]]):
        digest.update(chunk)
    record = {"sha256": digest.hexdigest(), "size": artifact_size(manifest), "folder": ""}
    there[RECORD] = json.dumps(record).encode()
    for error in refused(tmp_path):
        assert f"{first.path} does not match the manifest" in error.message


@pytest.mark.parametrize("name", ["config.cfg", "weights"])
@pytest.mark.parametrize("data", [b"", b"x", None])
def test_files_that_are_others(
    name: str, data: bytes | None, there: dict[str, bytes], victim: Path, tmp_path: Path
) -> None:
    if data is None:
        del there[name]
    else:
        there[name] = data
    refused(tmp_path)


def test_files_beyond_the_manifest_are_ignored(there: dict[str, bytes], victim: Path, tmp_path: Path) -> None:
    there |= {".git/config": b"[core]", ".gitattributes": b"", "extra.py": b"", "onnx/evil.py": b"", ".bashrc": b""}
    pulled = pull(LOCATION, tmp_path / "out")
    names = {path.relative_to(pulled.path).as_posix() for path in pulled.path.rglob("*") if path.is_file()}
    assert names == {entry.path for entry in pulled.manifest.files}


@pytest.mark.parametrize(
    "name",
    [
        *("../evil", "../../evil", "/tmp/evil", "a/../../evil", "..", ".", "a//b", "./x", "a\\..\\x", "C:evil", "con"),
        *(
            "../.ssh/authorized_keys",
            ".git/../../evil",
            "\x1b[31m",
            "a\nb",
            "CONFIG.cfg",
            "config.cfg/x",
            "a" * 300,
            "",
        ),
    ],
    ids=lambda name: ascii(name)[:20],
)
def test_a_listing_that_names_paths(name: str, there: dict[str, bytes], victim: Path, tmp_path: Path) -> None:
    """An ordinary repository, whose listing names the files to be written."""
    del there[RECORD]
    there[name] = b"evil"
    with pytest.raises(SpacyLambdaError, match=r"is refused|cannot be packed"):
        pull(LOCATION, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"home"}


def test_a_pipeline_without_a_digest_is_not_called_verified(
    there: dict[str, bytes], packed: Packed, victim: Path, tmp_path: Path
) -> None:
    del there[RECORD], there[MANIFEST]
    there |= {".gitattributes": b"", "x-1-py3-none-any.whl": b"", ".git/config": b"[core]"}
    pulled = pull(LOCATION, tmp_path / "out")
    assert not pulled.verified
    assert pulled.sha256 == packed.sha256
    assert pull(parse_location(f"hf://acme/metals#sha256={packed.sha256}"), tmp_path / "again").verified
    with pytest.raises(NotStoredError):
        find_artifact(LOCATION)


@pytest.mark.parametrize(
    "answer",
    [
        *(None, [], "x", 1, {}, {"sha": None}, {"siblings": None}, {"siblings": [1]}, {"siblings": [{}]}),
        *({"siblings": [{**name, "size": 1}]} for name in any_of("rfilename", None, 1, [], {})),
        *(
            {"siblings": [{"rfilename": "config.cfg", **size}]}
            for size in any_of("size", None, -1, "1", 2**60, [], True)
        ),
        {"siblings": [{"rfilename": f"f{i}", "size": 0} for i in range(6000)]},
        {"siblings": [{"rfilename": f"f{i}", "size": 2**32} for i in range(10)]},
    ],
    ids=lambda answer: ascii(answer)[:40],
)
def test_answers_of_the_api(
    answer: Any, there: dict[str, bytes], running: Hub, victim: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del there[RECORD]
    right = {"id": "acme/metals", "sha": COMMIT, "siblings": [{"rfilename": "config.cfg", "size": 1}]}
    monkeypatch.setattr(running, "override", right | answer if isinstance(answer, dict) and answer else answer)
    monkeypatch.setattr(running, "overridden", True)
    with pytest.raises(SpacyLambdaError) as caught:
        pull(LOCATION, tmp_path / "out")
    assert caught.value.remedy
    assert {path.name for path in tmp_path.iterdir()} == {"home"}


def test_links_in_a_pipeline_are_not_published(
    running: Hub, there: dict[str, bytes], pipeline: Path, victim: Path, tmp_path: Path
) -> None:
    """The original next to the compiled pipeline is not packed, but still published."""
    original = tmp_path / "original"
    shutil.copytree(pipeline, original)
    (original / "notes").symlink_to(victim / ".ssh/id_rsa")
    store = open_store(LOCATION.at("next"), hub=HubOptions(original=original))
    with pytest.raises(ArtifactError, match="is a link"):
        push(str(pipeline), store, replace=True)
    assert not [1 for files in running.repositories["acme/metals"].commits.values() if b"key" in files.values()]
