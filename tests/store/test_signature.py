"""Signatures: made at push, checked at pull, and by OpenSSF's own command."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from model_signing import verifying

from spacy_lambda.core.artifact.manifest import FileEntry, Manifest
from spacy_lambda.core.artifact.pack import manifest_of
from spacy_lambda.core.artifact.tar import chunks
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.core.source.layout import Pointer, artifact_key, ref_key, signature_key
from spacy_lambda.errors import ArtifactError, SignatureError
from spacy_lambda.store.factory import open_store
from spacy_lambda.store.signature import sign_pipeline, verify_signature
from spacy_lambda.store.transfer import pull, push
from tests.store.keys import key_pair


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return key_pair(tmp_path, "mine")


@pytest.fixture
def signed(pipeline: Path, keys: tuple[Path, Path], tmp_path: Path) -> Location:
    """A signed pipeline, from a folder with files that are not packed."""
    source = tmp_path / "source"
    shutil.copytree(pipeline, source)
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "x.pyc").touch()
    root = parse_location(str(tmp_path / "store"))
    return push(str(source), open_store(root), aliases=("latest",), sign_key=keys[0]).location


def test_signed_and_verified(signed: Location, keys: tuple[Path, Path], tmp_path: Path) -> None:
    pulled = pull(signed, tmp_path / "out", verify_key=keys[1])
    assert pulled.sha256 == signed.sha256
    assert pull(signed.at("latest"), tmp_path / "again", verify_key=keys[1]).sha256 == signed.sha256
    signature = Path(tmp_path, "store", signature_key("en_metals", Digest(str(signed.sha256))))
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(pulled.path)]
    done = subprocess.run(
        [*command, "--signature", str(signature), "--public_key", str(keys[1])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_another_key(signed: Location, tmp_path: Path) -> None:
    with pytest.raises(SignatureError, match="is not valid for") as caught:
        pull(signed, tmp_path / "out", verify_key=key_pair(tmp_path, "other")[1])
    assert "do not use it" in caught.value.remedy
    assert not (tmp_path / "out").exists()


def test_not_signed(pipeline: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    location = push(str(pipeline), open_store(parse_location(str(tmp_path / "store")))).location
    with pytest.raises(SignatureError, match="is not signed") as caught:
        pull(location, tmp_path / "out", verify_key=keys[1])
    assert "--sign" in caught.value.remedy


def test_the_signature_of_another_artifact(
    signed: Location, next_pipeline: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    """An attacker with write access but without the key puts other files next to a valid signature."""
    root = parse_location(str(tmp_path / "store"))
    other = push(str(next_pipeline), open_store(root), replace=True).location
    folder = tmp_path / "store"
    shutil.copy(
        folder / signature_key("en_metals", Digest(str(signed.sha256))),
        folder / signature_key("en_metals", Digest(str(other.sha256))),
    )
    with pytest.raises(SignatureError, match="is not valid"):
        pull(other, tmp_path / "out", verify_key=keys[1])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["", "{}", json.dumps({"dsseEnvelope": {"payload": "e30="}})])
def test_a_broken_signature(content: str, signed: Location, keys: tuple[Path, Path], tmp_path: Path) -> None:
    Path(tmp_path, "store", signature_key("en_metals", Digest(str(signed.sha256)))).write_text(content)
    with pytest.raises(SignatureError):
        pull(signed, tmp_path / "out", verify_key=keys[1])


def test_invalid_keys(pipeline: Path, signed: Location, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no key")
    for key, message in ((tmp_path / "none", "does not exist"), (tmp_path / "text", "text")):
        for call in (
            lambda key=key: push(str(pipeline), open_store(parse_location(str(tmp_path / "other"))), sign_key=key),
            lambda key=key: pull(signed, tmp_path / "out", verify_key=key),
        ):
            with pytest.raises(SignatureError, match=message):
                call()
    assert not (tmp_path / "other").exists()


def forged_manifest(folder: Path, files: dict[str, bytes]) -> Manifest:
    """The manifest of a pipeline and of more files, none of which spacy-lambda would pack."""
    manifest = manifest_of(folder)
    more = [FileEntry(name, len(data), Digest(hashlib.sha256(data).hexdigest())) for name, data in files.items()]
    return Manifest(manifest.pipeline, tuple(sorted([*manifest.files, *more], key=lambda entry: entry.path)))


def packed_by_hand(folder: Path, files: dict[str, bytes]) -> Path:
    """The artifact of a forged manifest."""
    whole = forged_manifest(folder, files)
    path = folder.parent / "forged.tar"
    contents = {entry.path: (folder / entry.path).read_bytes() for entry in manifest_of(folder).files} | files
    path.write_bytes(b"".join(chunks(whole, lambda entry: [contents[entry.path]])))
    return path


def put_in_place(artifact: Path, signed: Location, tmp_path: Path) -> Location:
    """Let the version point to another artifact, with the valid signature of the signed one next to it."""
    root, digest = tmp_path / "store", Digest(hashlib.sha256(artifact.read_bytes()).hexdigest())
    shutil.copy(artifact, root / artifact_key("en_metals", digest))
    shutil.copy(
        root / signature_key("en_metals", Digest(str(signed.sha256))), root / signature_key("en_metals", digest)
    )
    pointer = Pointer("alias", "1.2.3", digest, artifact.stat().st_size)
    (root / ref_key("en_metals", "latest")).write_bytes(pointer.to_bytes())
    return signed.at("latest")


UNSIGNED = [
    *(".git/config", ".gitattributes", ".gitignore", ".github/workflows/x.yml", ".GIT/config", "ner/.git/config"),
    *("__pycache__/x.pyc", "__pycache__/y.pyc", "extra.py", "vocab/extra", "model.sig"),
]


@pytest.mark.parametrize("name", UNSIGNED)
def test_a_file_that_the_signature_does_not_cover(
    name: str, signed: Location, pipeline: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    """An attacker with write access adds a file that the signature ignores."""
    artifact = packed_by_hand(tmp_path / "source", {name: b"[core]\n\tfsmonitor = touch /tmp/owned\n"})
    location = put_in_place(artifact, signed, tmp_path)
    with pytest.raises(ArtifactError):
        pull(location, tmp_path / "out", verify_key=keys[1])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", UNSIGNED)
def test_the_signature_itself_ignores_nothing(
    name: str, signed: Location, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    """The same after the check of names: the second of two defences."""
    source, folder = tmp_path / "source", tmp_path / "forged"
    signature = Path(tmp_path, "store", signature_key("en_metals", Digest(str(signed.sha256)))).read_bytes()
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"evil")
    manifest = forged_manifest(source, {name: b"evil"})
    with pytest.raises(SignatureError, match=re.escape(name)):
        verify_signature(folder, manifest, signature, keys[1], name="x")


def test_a_signature_that_ignores_a_file_which_its_maker_had(
    pipeline: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    """The signature excludes unpacked files of the signer's folder; an attacker could add such files."""
    source = tmp_path / "source"
    shutil.copytree(pipeline, source)
    (source / "notes.py").write_text("mine")
    manifest = manifest_of(pipeline)
    signature = sign_pipeline(source, manifest, keys[0])
    verify_signature(pipeline, manifest, signature, keys[1], name="x")
    (source / "notes.py").write_text("evil")
    verifying.Config().use_elliptic_key_verifier(public_key=keys[1]).verify(source, written(tmp_path, signature))
    with pytest.raises(SignatureError, match=r"'notes\.py' is not covered"):
        verify_signature(source, manifest_of(source), signature, keys[1], name="x")
    with pytest.raises(SignatureError, match="is signed, but missing"):
        verify_signature(pipeline, Manifest(manifest.pipeline, manifest.files[1:]), signature, keys[1], name="x")


def written(folder: Path, signature: bytes) -> Path:
    path = folder / "model.sig"
    path.write_bytes(signature)
    return path


@pytest.mark.parametrize(
    "signature",
    [b"[" * 100_000, b"\xff\xfe", b"1e999", b'{"dsseEnvelope": []}', b'{"a": 1, "a": 2}', b"null", bytes(100)],
    ids=range(7),
)
def test_invalid_signatures(signature: bytes, pipeline: Path, keys: tuple[Path, Path]) -> None:
    with pytest.raises(SignatureError) as caught:
        verify_signature(pipeline, manifest_of(pipeline), signature, keys[1], name="x")
    assert "do not use it" in caught.value.remedy
