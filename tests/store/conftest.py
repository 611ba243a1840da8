"""Fake S3 and Hub servers on loopback, and a small pipeline with a large file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
import spacy
from moto.server import ThreadedMotoServer

from spacy_lambda.core.artifact.pack import Packed, pack
from tests.canary import make_canary, untouched
from tests.store.hub_server import TOKEN, Hub


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "METAL", "pattern": "iron"}])  # type: ignore[attr-defined]
    nlp.meta.update(
        name="metals", version="1.2.3", license="MIT", performance={"ents_f": 0.5, "ents_p": 0.6, "ents_r": 0.4}
    )
    path = tmp_path_factory.mktemp("source") / "metals"
    nlp.to_disk(path)
    (path / "weights").write_bytes(np.random.default_rng(0).bytes(300_000))
    return path


@pytest.fixture(scope="session")
def packed(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return pack(pipeline, tmp_path_factory.mktemp("packed"))


@pytest.fixture
def next_pipeline(pipeline: Path, tmp_path: Path) -> Path:
    """A pipeline of the same version with other contents."""
    path = tmp_path / "changed"
    shutil.copytree(pipeline, path)
    (path / "weights").write_bytes(np.random.default_rng(1).bytes(300_000))
    return path


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of S3, with the empty bucket ``models``."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_url)
    client = boto3.client("s3")
    client.create_bucket(Bucket="models")
    yield client
    for entry in client.list_objects_v2(Bucket="models").get("Contents", []):
        client.delete_object(Bucket="models", Key=entry["Key"])
    for upload in client.list_multipart_uploads(Bucket="models").get("Uploads", []):
        client.abort_multipart_upload(Bucket="models", Key=upload["Key"], UploadId=upload["UploadId"])
    client.delete_bucket(Bucket="models")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A fake of the Hub."""
    with Hub(os.environ["HF_ENDPOINT"]).running() as running:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield running


@pytest.fixture
def victim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder, also the current folder, in which nothing may change."""
    home = make_canary(tmp_path / "home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    with untouched(home):
        yield home
