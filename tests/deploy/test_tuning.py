"""Memory sizes measured on versions of a deployed function, in an emulator of AWS whose durations are given."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest

from spacy_lambda.cli.tune import _cheapest
from spacy_lambda.client.report_line import Report
from spacy_lambda.config import load_project
from spacy_lambda.deploy import lock
from spacy_lambda.deploy.aws import AwsAccount, open_account
from spacy_lambda.deploy.tuning import MeasuredSize, plan_tuning, tune
from spacy_lambda.deploy.tuning_record import (
    TUNING_TAG,
    find_tuning,
    record_tuning,
    restore_tuned,
    set_memory,
    tuned_description,
)
from spacy_lambda.errors import DeployError, SizingError
from spacy_lambda.rehearsal.deployed_code import DeployedCode, VersionResponse
from spacy_lambda.rehearsal.emulator import ACCOUNT, emulated_aws
from spacy_lambda.sizing import measurement
from spacy_lambda.sizing.figures import Figures
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


def opened(path: Path) -> tuple[Any, Any, AwsAccount]:
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


class Killed(BaseException):
    """The end of a process."""


class Mortal:
    """A client of a process that is killed after some calls: none of its later ones reaches AWS."""

    def __init__(self, client: Any, calls: Iterator[int]) -> None:
        self._client = client
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in ("exceptions", "get_paginator", "get_waiter"):
            return found

        def call(**arguments: Any) -> Any:
            if next(self._calls, None) is None:
                raise Killed
            return found(**arguments)

        return call


class MortalAws(AwsAccount):
    """An account whose process is killed after some calls of Lambda or S3."""

    calls: ClassVar[Iterator[int]]

    def client(self, service: str) -> Any:
        return Mortal(super().client(service), self.calls)


def test_a_process_that_is_killed_anywhere_leaves_what_the_next_one_restores(
    project: Path, function: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one invocation for each size; the lock of the process is taken over, because the process is gone."""
    monkeypatch.setattr(lock, "has_ended", lambda held: True)
    monkeypatch.setattr(measurement, "RUNS", 1)
    before = state()
    loaded, config, aws = opened(project)
    planned = plan_tuning(loaded, config, aws=aws, sizes=(1024, 2048), texts=Texts("one text", ("iron",)))
    mortal = MortalAws(aws.account, aws.region, aws.session)
    changed, killed = 0, True
    after = 0
    while killed:
        MortalAws.calls = iter(range(after))
        try:
            tune(loaded, config, planned, aws=mortal)
            killed = False
        except Killed:
            left = find_tuning(client(), FUNCTION)
            assert (state() == before) or left is not None, after
            changed += state() != before
            restore_tuned(aws, FUNCTION, on_line=lambda _: None)
        assert state() == before, after
        assert find_tuning(client(), FUNCTION) is None
        after += 1
    assert changed > 5


def test_the_next_run_restores_first(project: Path, function: Measured) -> None:
    before = state()
    record_tuning(client(), FUNCTION, [1024, 1025])
    set_memory(client(), FUNCTION, 1024)
    client().publish_version(FunctionName=FUNCTION, Description=tuned_description(1024))
    found = find_tuning(client(), FUNCTION)
    assert str(found) == "tune was interrupted; $LATEST has 1,024 MB instead of 2,048 MB"
    lines: list[str] = []
    loaded, config, aws = opened(project)
    tune(
        loaded, config, plan_tuning(loaded, config, aws=aws, sizes=(4096,), texts=TEXTS), aws=aws, on_line=lines.append
    )
    assert lines == [
        f"{FUNCTION}: restoring 2,048 MB",
        f"{FUNCTION}: measuring 4,096 MB",
        f"{FUNCTION}: restoring 2,048 MB",
    ]
    assert state() == before


def test_a_memory_that_was_changed_since_is_kept(project: Path, function: Measured) -> None:
    _, _, aws = opened(project)
    record_tuning(client(), FUNCTION, [1024, 1025])
    set_memory(client(), FUNCTION, 3000)
    restore_tuned(aws, FUNCTION, on_line=lambda _: None)
    assert state()[0] == 3000
    assert find_tuning(client(), FUNCTION) is None
    set_memory(client(), FUNCTION, 2048)


def test_a_tag_of_another_program_is_an_error(project: Path) -> None:
    arn = client().get_function_configuration(FunctionName=FUNCTION)["FunctionArn"]
    client().tag_resource(Resource=arn, Tags={TUNING_TAG: "yes"})
    with pytest.raises(DeployError, match="is 'yes', which `spacy-lambda tune` did not write") as caught:
        find_tuning(client(), FUNCTION)
    assert caught.value.remedy.endswith(f"--resource {arn} --tag-keys {TUNING_TAG} --region {arn.split(':')[3]}")
    client().untag_resource(Resource=arn, TagKeys=[TUNING_TAG])


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


@pytest.mark.parametrize(("limit_ms", "best"), [(None, 1769), (120.0, 1769), (90.0, 3008), (10.0, None)])
def test_of_equally_cheap_sizes_the_fastest_is_shown(limit_ms: float | None, best: int | None) -> None:
    found = [
        MeasuredSize(
            memory_mb=size, figures=Figures(init_s=1.0, ms=ms, peak_mb=300, cpus=1.0, source="1 text"), usd=usd
        )
        for size, ms, usd in ((1024, 173.0, 2.50), (1769, 100.0, 2.54), (3008, 73.0, 3.10))
    ]
    chosen = _cheapest(found, limit_ms)
    assert (None if chosen is None else chosen.memory_mb) == best
