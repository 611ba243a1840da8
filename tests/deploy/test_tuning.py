"""Memory sizes measured on versions of a deployed function, in an emulator of AWS whose durations are given."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from spacy_lambda.client.report_line import Report
from spacy_lambda.config import load_project
from spacy_lambda.deploy.aws import Aws, open_account
from spacy_lambda.deploy.tuning import plan_tuning, tune
from spacy_lambda.errors import DeployError, SizingError
from spacy_lambda.rehearsal.deployed_code import DeployedCode, VersionResponse
from spacy_lambda.rehearsal.emulator import ACCOUNT, emulated_aws
from spacy_lambda.sizing.texts import Texts
from tests.cli.in_process import run_main

REGION = "eu-central-1"
FUNCTION = "papers-ner"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/papers"
CONFIG = f"""
[project]
name = "papers"
region = "{REGION}"

[functions.ner]
pipeline = "./compiled"
"""
TEXTS = Texts("texts.jsonl", ("iron", "zinc oxide"))
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")


class Measured:
    """A function whose text takes 200 ms with 1,024 MB, and less with more; it counts its invocations."""

    def __init__(self) -> None:
        self.invoked: dict[int, int] = {}
        self.fails_with = 0

    def __call__(self, code: DeployedCode, event: bytes) -> VersionResponse:
        size = code.memory_mb
        self.invoked[size] = self.invoked.get(size, 0) + 1
        first = self.invoked[size] == 1
        report = Report(
            request_id="1",
            duration_ms=200 * 1024 / size,
            memory_size_mb=size,
            max_memory_mb=300,
            init_ms=1500.0 if first else None,
        )
        log = base64.b64encode(str(report).encode()).decode()
        if size == self.fails_with:
            error = {"errorType": "Runtime.ExitError", "errorMessage": "Runtime exited with error: signal: killed"}
            return VersionResponse(
                json.dumps(error).encode(), {"X-Amz-Function-Error": "Unhandled", "X-Amz-Log-Result": log}
            )
        return VersionResponse(b"[]", {"X-Amz-Log-Result": log})


@pytest.fixture(scope="module")
def function() -> Iterator[Measured]:
    measured = Measured()
    with emulated_aws(measured, region=REGION):
        boto3.client("s3", region_name=REGION).create_bucket(
            Bucket=f"papers-models-{ACCOUNT}-{REGION}", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        boto3.client("iam").create_role(RoleName="papers", AssumeRolePolicyDocument="{}")
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("handler.py", "")
        client().create_function(
            FunctionName=FUNCTION,
            Runtime="python3.13",
            Role=ROLE,
            Handler="handler.handler",
            Code={"ZipFile": code.getvalue()},
            MemorySize=2048,
            Timeout=30,
        )
        version = client().publish_version(FunctionName=FUNCTION)["Version"]
        client().create_alias(FunctionName=FUNCTION, Name="live", FunctionVersion=version)
        yield measured


@pytest.fixture
def project(tmp_path: Path, function: Measured) -> Path:
    function.invoked.clear()
    function.fails_with = 0
    path = tmp_path / "spacy-lambda.toml"
    path.write_text(CONFIG)
    return path


def client() -> Any:
    return boto3.client("lambda", region_name=REGION)


def state() -> tuple[int, list[str], str]:
    """The memory of the newest code, the published versions, and the live one."""
    versions = client().list_versions_by_function(FunctionName=FUNCTION)["Versions"]
    return (
        client().get_function_configuration(FunctionName=FUNCTION)["MemorySize"],
        [one["Version"] for one in versions if one["Version"] != "$LATEST"],
        client().get_alias(FunctionName=FUNCTION, Name="live")["FunctionVersion"],
    )


def opened(path: Path) -> tuple[Any, Any, Aws]:
    loaded = load_project(path)
    return loaded, loaded.functions[0], open_account(loaded)


def test_each_size_is_measured_and_everything_is_as_before(project: Path, function: Measured) -> None:
    before = state()
    loaded, config, aws = opened(project)
    planned = plan_tuning(loaded, config, aws=aws, sizes=(1024, 4096), texts=TEXTS)
    small, large = tune(loaded, config, planned, aws=aws)
    assert state() == before
    assert function.invoked == {1024: 7, 4096: 7}
    assert (small.figures.ms, large.figures.ms) == (200.0, 50.0)
    assert small.figures.init_s_at(1024) == pytest.approx(1.5)
    assert small.usd == pytest.approx(large.usd, rel=0.05)


def test_the_cost_is_a_maximum(project: Path) -> None:
    """Two sizes of 1 GB and 4 GB; 7 invocations of 30 s each and 10 s of init, at 0.0000166667 a GB and second."""
    loaded, config, aws = opened(project)
    planned = plan_tuning(loaded, config, aws=aws, sizes=(1024, 4096), texts=TEXTS)
    assert planned.usd == pytest.approx(5 * 220 * 0.0000166667 + 14 * 0.2e-6)
    assert (planned.memory_mb, planned.architecture, planned.snapstart) == (2048, "x86_64", False)
    assert plan_tuning(loaded, config, aws=aws).sizes == (1024, 1769, 2048, 3008)


def test_the_memory_is_restored_after_a_failure(project: Path, function: Measured) -> None:
    before = state()
    function.fails_with = 4096
    loaded, config, aws = opened(project)
    planned = plan_tuning(loaded, config, aws=aws, sizes=(1024, 4096), texts=TEXTS)
    with pytest.raises(SizingError, match="signal: killed"):
        tune(loaded, config, planned, aws=aws)
    assert state() == before


def test_a_size_that_is_live_is_measured_cold(project: Path, function: Measured) -> None:
    before = state()
    loaded, config, aws = opened(project)
    planned = plan_tuning(loaded, config, aws=aws, sizes=(2048,), texts=TEXTS)
    tune(loaded, config, planned, aws=aws)
    assert state() == before
    assert sum(function.invoked.values()) == 7


def test_a_function_that_is_not_deployed(project: Path) -> None:
    project.write_text(CONFIG.replace("[functions.ner]", "[functions.other]"))
    loaded, config, aws = opened(project)
    with pytest.raises(DeployError, match="papers-other has no live version"):
        plan_tuning(loaded, config, aws=aws)


def test_the_command_asks_and_prints_the_line_to_write(project: Path) -> None:
    arguments = ("tune", "ner", "--config", str(project), "--memory", "1024", "--memory", "4096", "--latency", "100ms")
    assert "confirmation required" in run_main(*arguments).stderr
    done = run_main(*arguments, "--yes")
    assert done.returncode == 0, done.stderr
    assert "\n4,096\t50.0\t1.50\t300\t" in done.stdout
    assert done.stdout.endswith("cheapest within 100 ms; in [functions.ner] of spacy-lambda.toml:\nmemory = 4096\n")
    assert "papers-ner: restoring 2,048 MB" in done.stderr
