"""Signatures: made at push, checked at pull, and by OpenSSF's own command."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from spacy_lambda.errors import SignatureError
from spacy_lambda.location import Location, parse_location
from spacy_lambda.source.layout import signature_key
from spacy_lambda.store.open import open_store
from spacy_lambda.store.pull import pull_pipeline
from spacy_lambda.store.push import push_pipeline


def key_pair(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return key_pair(tmp_path, "mine")


@pytest.fixture
def signed(pipeline: Path, keys: tuple[Path, Path], tmp_path: Path) -> Location:
    """Of a folder that has more in it than is packed."""
    source = tmp_path / "source"
    shutil.copytree(pipeline, source)
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "x.pyc").touch()
    root = parse_location(str(tmp_path / "store"))
    return push_pipeline(str(source), open_store(root), aliases=("latest",), sign_key=keys[0]).location


def test_signed_and_verified(signed: Location, keys: tuple[Path, Path], tmp_path: Path) -> None:
    pulled = pull_pipeline(signed, tmp_path / "out", verify_key=keys[1])
    assert pulled.sha256 == signed.sha256
    assert pull_pipeline(signed.at("latest"), tmp_path / "again", verify_key=keys[1]).sha256 == signed.sha256
    signature = Path(tmp_path, "store", signature_key("en_metals", str(signed.sha256)))
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
        pull_pipeline(signed, tmp_path / "out", verify_key=key_pair(tmp_path, "other")[1])
    assert "do not use it" in caught.value.remedy
    assert not (tmp_path / "out").exists()


def test_not_signed(pipeline: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    location = push_pipeline(str(pipeline), open_store(parse_location(str(tmp_path / "store")))).location
    with pytest.raises(SignatureError, match="is not signed") as caught:
        pull_pipeline(location, tmp_path / "out", verify_key=keys[1])
    assert "--sign" in caught.value.remedy


def test_the_signature_of_another_artifact(
    signed: Location, next_pipeline: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    """Whoever can write to the store, but has not the key, puts other files and a true signature side by side."""
    root = parse_location(str(tmp_path / "store"))
    other = push_pipeline(str(next_pipeline), open_store(root), replace=True).location
    folder = tmp_path / "store"
    shutil.copy(
        folder / signature_key("en_metals", str(signed.sha256)), folder / signature_key("en_metals", str(other.sha256))
    )
    with pytest.raises(SignatureError, match="is not valid"):
        pull_pipeline(other, tmp_path / "out", verify_key=keys[1])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["", "{}", json.dumps({"dsseEnvelope": {"payload": "e30="}})])
def test_a_broken_signature(content: str, signed: Location, keys: tuple[Path, Path], tmp_path: Path) -> None:
    Path(tmp_path, "store", signature_key("en_metals", str(signed.sha256))).write_text(content)
    with pytest.raises(SignatureError):
        pull_pipeline(signed, tmp_path / "out", verify_key=keys[1])


def test_keys_that_are_none(pipeline: Path, signed: Location, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no key")
    for key, message in ((tmp_path / "none", "there is no"), (tmp_path / "text", "text")):
        for call in (
            lambda key=key: push_pipeline(
                str(pipeline), open_store(parse_location(str(tmp_path / "other"))), sign_key=key
            ),
            lambda key=key: pull_pipeline(signed, tmp_path / "out", verify_key=key),
        ):
            with pytest.raises(SignatureError, match=message):
                call()
    assert not (tmp_path / "other").exists()
