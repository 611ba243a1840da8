"""Functions whose code is an image: built without Docker, pushed to a real registry, and asked in the image itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from spacy_lambda.bundler.assemble import assemble
from spacy_lambda.bundler.image.context import aws_base
from spacy_lambda.bundler.target import Target
from tests.bundler.installed import install_once
from tests.bundler.registry import BASE, WHY_NO_IMAGES, local_registry
from tests.bundler.wheels import no_index
from tests.deploy.bundles import assembled_once
from tests.deploy.cloud import ACCOUNT, REGION, client, cloud
from tests.deploy.projects import run, succeed, write_pipeline
from tests.locks import exclusive

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(WHY_NO_IMAGES is not None, reason=WHY_NO_IMAGES or ""),
    pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning"),  # moto, of what it does not know
    pytest.mark.filterwarnings("ignore:Unable to delete:UserWarning"),
]

CONFIG = f"""
[project]
name = "pictures"
region = "{REGION}"

[functions.whole]
pipeline = "./compiled"
shape = "image"
golden = "golden.jsonl"

[functions.shared]
pipeline = "./compiled"
shape = "image-efs"
golden = "golden.jsonl"
"""
REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/pictures"


@pytest.fixture(scope="module", autouse=True)
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with (
        exclusive("images"),
        pytest.MonkeyPatch.context() as patch,
        local_registry(tmp_path_factory.mktemp("registry")) as registry,
    ):
        for name, value in no_index().items():
            patch.setenv(name, value)
        install_once(patch, tmp_path_factory.mktemp("wheels"))
        _make_aws_base(tmp_path_factory.mktemp("base"))
        # Both functions have one pipeline, which the tests plan, deploy and eject.
        assembled = assembled_once(assemble, tmp_path_factory.mktemp("assembled"))
        patch.setattr("spacy_lambda.bundler.build.assemble", assembled)
        with cloud(patch, registry=registry) as url:
            yield url


def _make_aws_base(folder: Path) -> None:
    """Our base under the name of AWS's own, which starts the runtime client by itself, and has AWS's SDK."""
    packages = Path(boto3.__file__).parents[1]
    for name in ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3"):
        copy = shutil.copytree if (packages / name).is_dir() else shutil.copy
        copy(packages / name, folder / name)
    lines = [f"FROM {BASE}", "COPY . /usr/lib/python3/dist-packages/", 'ENTRYPOINT ["python3", "-m", "awslambdaric"]']
    (folder / "Dockerfile").write_text("\n".join(lines))
    base = aws_base(Target("3.13", "x86_64"))
    subprocess.run(["buildah", "build", "--quiet", "--tag", base, str(folder)], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "spacy-lambda.toml").write_text(CONFIG)
    (folder / "golden.jsonl").write_text('{"text": "Iron and silicon."}\n')
    write_pipeline(folder, "1.0.0", Iron="MATERIAL")
    return folder


def code_of(function: str) -> str:
    return str(client("lambda").get_function(FunctionName=f"pictures-{function}")["Code"]["ImageUri"])


def ask(function: str) -> Any:
    payload = json.dumps({"text": "Iron and silicon."})
    response = client("lambda").invoke(FunctionName=f"pictures-{function}", Qualifier="live", Payload=payload)
    return [entity["label"] for entity in json.loads(response["Payload"].read())]


def test_the_plan_builds_no_image(project: Path) -> None:
    plans = succeed(project, "deploy", "--plan")
    assert [plan["shape"] for plan in plans] == ["image", "image-efs"]


def test_images_are_pushed_and_answer(project: Path) -> None:
    whole, shared = succeed(project, "deploy", "--yes")
    assert (whole["version"], shared["version"]) == ("1", "1")
    assert code_of("whole").startswith(f"{REPOSITORY}/whole@sha256:")
    assert ask("whole") == ask("shared") == ["MATERIAL"]


def test_the_ejected_app_has_the_images_that_are_deployed(project: Path) -> None:
    result = run(project, "eject", "--out", "infrastructure")
    assert result.exit_code == 0, (result.output, result.exception)
    functions = json.loads((project / "infrastructure" / "functions.json").read_text())["functions"]
    assert [one["code"]["digest"] for one in functions] == [
        code_of(name).partition("@")[2] for name in ("whole", "shared")
    ]
    assert [one["code"]["efs"] for one in functions] == [False, True]


def test_a_function_goes_and_its_images_stay(project: Path) -> None:
    """Of the other one moto cannot delete the network: it takes what is in it for something of its own."""
    assert succeed(project, "destroy", "whole", "--yes")["left"] == []
    with pytest.raises(client("lambda").exceptions.ResourceNotFoundException):
        code_of("whole")
    names = {one["repositoryName"] for one in client("ecr").describe_repositories()["repositories"]}
    assert {"pictures/whole", "pictures/shared"} <= names
