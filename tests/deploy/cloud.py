"""An AWS on this machine: the emulator of rehearsals, whose functions predict in this process, which is faster."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest

from spacy_lambda.core.artifact.integrity import folder_digest
from spacy_lambda.core.artifact.pack import manifest_of
from spacy_lambda.core.env_names import CDK_VARIABLE
from spacy_lambda.deploy.cdk_cli import VERSION
from spacy_lambda.rehearsal.deployed_code import DeployedCode, VersionResponse
from spacy_lambda.rehearsal.emulator import ACCOUNT, emulated_aws
from spacy_lambda.runtime.events.dispatch import dispatch
from spacy_lambda.runtime.loading import load_pipeline
from spacy_lambda.runtime.predictor import Predictor

__all__ = ["ACCOUNT", "REGION", "client", "cloud", "use_cdk"]

REGION = "eu-central-1"
CDK = Path(__file__).parents[2] / "build" / "cdk" / "spacy-lambda" / f"aws-cdk-{VERSION}" / "node_modules/.bin/cdk"


@contextmanager
def cloud(patch: pytest.MonkeyPatch, *, registry: str | None = None) -> Iterator[str]:
    """Start it, and let everything of this process and its children use it.

    :param registry: The registry of images, ``HOST:PORT``. Images run in the local Lambda.
    """
    # moto's CloudFormation takes seconds to import, and every process of a parallel run collects every test.
    from spacy_lambda.rehearsal.deployed_functions import DeployedFunctions
    from tests.step_functions import change_step_functions

    use_cdk(patch)
    change_step_functions(patch)
    with DeployedFunctions(lambda *_: None) as images:

        def run(code: DeployedCode, event: bytes) -> VersionResponse:
            return _predict(code, event) if code.image is None else images.run(code, event)

        with emulated_aws(run, region=REGION, registry=registry) as emulator:
            yield emulator.access.endpoint


def use_cdk(patch: pytest.MonkeyPatch) -> None:
    """Use the CDK's command line that `make test` fetches."""
    if not CDK.exists():
        pytest.skip("build/cdk is not there: `make test` fetches it")
    patch.setenv(CDK_VARIABLE, str(CDK))


def client(service: str) -> Any:
    """Return a client for assertions about resources."""
    return boto3.client(service, region_name=REGION, endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def _predict(code: DeployedCode, event: bytes) -> VersionResponse:
    """Return what the deployed code would: by the pipeline that is in the zip of that version."""
    digest = hashlib.sha256(code.archive).hexdigest()
    _ARCHIVES[digest] = code.archive
    environ = {**code.variables, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(code.memory_mb)}
    answer = dispatch(json.loads(event), None, replace(_predictor(digest), environ=environ))
    return VersionResponse(json.dumps(answer).encode(), {})


_ARCHIVES: dict[str, bytes] = {}


@cache
def _predictor(digest: str) -> Predictor:
    folder = tempfile.mkdtemp(prefix="deployed-")
    try:
        with zipfile.ZipFile(io.BytesIO(_ARCHIVES[digest])) as archive:
            names = [name for name in archive.namelist() if name.startswith("pipeline/")]
            archive.extractall(folder, names)
        pipeline = Path(folder, "pipeline")
        return Predictor(load_pipeline(pipeline), {}, folder_digest(pipeline, manifest_of(pipeline)))
    finally:
        shutil.rmtree(folder)
