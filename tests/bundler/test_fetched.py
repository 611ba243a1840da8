"""A zip whose pipeline stays in S3: the function fetches it during init."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner

from spacy_lambda.bundler import assemble, tree
from spacy_lambda.bundler.build import bundle
from spacy_lambda.cli import make_app
from spacy_lambda.local import FunctionSettings, LocalLambda
from spacy_lambda.local.bundle import open_bundle
from tests.bundler.installed import install_once
from tests.bundler.real_bundles import TEXTS, expected, invoke, needs_313
from tests.bundler.wheels import BUNDLED

pytestmark = pytest.mark.slow


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The bundled pipeline in a bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**variables, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    # The stand-in keeps its buckets for the whole process, of all tests.
    boto3.client("s3").create_bucket(Bucket="fetched-models")
    pushed = CliRunner().invoke(make_app(), ["push", BUNDLED, "s3://fetched-models/ner"])
    assert pushed.exit_code == 0, pushed.output
    yield f"s3://fetched-models/ner/{BUNDLED}@0.2.0-int8"
    server.stop()


@needs_313
@pytest.mark.usefixtures("wheelhouse")
def test_fetched_during_init(stored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "COMPRESSION", 0)
    # The sources are not replaced either, which takes a while to find out: test_sourceless.py.
    monkeypatch.setattr(assemble, "fit_tree", lambda *arguments, **settings: [])
    install_once(monkeypatch, tmp_path)
    monkeypatch.setenv("SPACY_LAMBDA_CACHE", str(tmp_path / "cache"))
    made = bundle(stored, tmp_path / "bundle.zip", limit=150_000_000)
    assert made.package_type == "zip"
    assert made.location.startswith(f"{stored}#sha256=")
    assert f"fetches the pipeline from {made.location}" in made.reason
    with zipfile.ZipFile(made.path) as archive:
        assert not [name for name in archive.namelist() if name.startswith("pipeline/")]
        assert json.loads(archive.read("bundle.json"))["location"] == made.location
    with open_bundle(str(made.path)) as runnable:
        settings = FunctionSettings(pipeline=str(made.path), handler=runnable.handler)
        with LocalLambda(settings, program=runnable.program) as local:
            assert invoke(local.endpoint_url, {"texts": TEXTS}) == expected()
    assert list((tmp_path / "cache").iterdir())
