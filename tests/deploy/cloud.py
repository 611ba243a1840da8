"""An AWS of one's own on this machine: moto behind HTTP, whose functions answer from the code that was deployed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from spacy_lambda.core.env_names import CDK_VARIABLE
from spacy_lambda.deploy.cdk_cli import VERSION

ACCOUNT = "123456789012"
REGION = "eu-central-1"
CDK = Path(__file__).parents[2] / "build" / "cdk" / "spacy-lambda" / f"aws-cdk-{VERSION}" / "node_modules/.bin/cdk"


@contextmanager
def cloud(patch: pytest.MonkeyPatch, *, registry: str | None = None) -> Iterator[str]:
    """Start it, and let everything of this process and its children use it.

    moto knows the address of a template by the name localhost.

    :param registry: The registry of images, ``HOST:PORT``: moto has ECR's API, and takes no image.
    """
    if not CDK.exists():
        pytest.skip("build/cdk is not there: `make test` fetches it")
    # moto's CloudFormation takes seconds to import, and every process of a parallel run collects every test.
    from moto.server import ThreadedMotoServer

    from tests.deploy.moto_changes import change_moto

    change_moto(patch, registry=registry)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    url = f"http://localhost:{port}"
    variables = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "MOTO_PORT": str(port),  # of moto itself, for what state machines invoke
        "no_proxy": "localhost,127.0.0.1",
        CDK_VARIABLE: str(CDK),
    }
    for name, value in variables.items():
        patch.setenv(name, value)
    patch.setattr(boto3, "DEFAULT_SESSION", None)
    # What another module of this process left: functions of the same names.
    requests.post(f"{url}/moto-api/reset", timeout=10).raise_for_status()
    config = {"lambda": {"use_docker": False}, "stepfunctions": {"execute_state_machine": True}}
    requests.post(f"{url}/moto-api/config", json=config, timeout=10).raise_for_status()
    try:
        yield url
    finally:
        server.stop()


def client(service: str) -> Any:
    """Return a client for assertions about resources."""
    return boto3.client(service, region_name=REGION, endpoint_url=os.environ["AWS_ENDPOINT_URL"])
