"""Every key of a function has an effect: it changes the template, and the plan names it; or a stage of the deployment
reads it."""

from __future__ import annotations

import copy
import inspect
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from spacy_lambda.cdk.bulk_settings import BulkConfig
from spacy_lambda.cdk.settings import FunctionConfig
from spacy_lambda.cdk.source_settings import SqsSource
from spacy_lambda.deploy import planning, preparation, publication
from spacy_lambda.deploy.changes import describe_changes, find_changes
from spacy_lambda.deploy.resources import read_template
from tests.deploy.specs import function_spec

BASE: dict[str, Any] = {"live_version": "7", "concurrency": 5, "alarm_email": "oncall@example.org"}
CHANGES: dict[str, Any] = {
    "memory": 4096,
    "timeout": 60,
    "architecture": "arm64",
    "python": "3.14",
    "concurrency": 6,
    "snapstart": True,
    "auth": "none",
    "callers": ("111122223333",),
    "cors": ("https://example.org",),
    "page": True,
    "examples": ("Iron.",),
    "metrics": False,
    "tracing": True,
    "alarm_email": "search@example.org",
    "alarm_empty_percentage": 60,
    "budget": 20.0,
    "log_retention": 7,
    "canary": "10percent-5minutes",
    "environment": {"SPACY_LAMBDA_MAX_TEXTS": "8"},
    "sources": (SqsSource(queue="texts"),),
    "bulk": BulkConfig(),
}
"""Another value of each key that changes the template."""

READ_BY: dict[str, tuple[ModuleType, ...]] = {
    "name": (preparation,),
    "pipeline": (preparation,),
    "signed_by": (preparation,),
    "shape": (preparation, planning),
    "golden": (preparation,),
    "keep_versions": (planning, publication),
}
"""Modules of the stages that read each other field."""


OTHER_SHA256 = "8e" * 32
EXPECTED = {
    "memory": "memory 2048 → 4096, dashboard; nothing else",
    "timeout": "timeout 30 → 60, alarm news-ner-duration, dashboard; nothing else",
    "architecture": "architecture x86_64 → arm64, dashboard; nothing else",
    "python": "python 3.13 → 3.14; nothing else",
    "concurrency": "concurrency 5 → 6; nothing else",
    "snapstart": "snapstart unset → true, alarm removed, dashboard; nothing else",
    "examples": "examples; nothing else",
    "page": "page false → true; nothing else",
    "log_retention": "log_retention 30 → 7; nothing else",
    "cors": "cors unset → https://example.org; nothing else",
    "environment": "environment.SPACY_LAMBDA_MAX_TEXTS unset → 8; nothing else",
}
"""Whole lines, for keys that change values alone."""

NAMED = {
    "auth": ("auth iam → none", "2 invoke permissions added"),
    "callers": ("2 invoke permissions added",),
    "metrics": ("metrics true → false", "dashboard"),
    "tracing": ("tracing unset → true", "+xray:PutTraceSegments"),
    "alarm_email": ("Subscription",),
    "alarm_empty_percentage": ("alarm added", "2 metric filters added"),
    "budget": ("Budget added",),
    "canary": ("DeploymentGroup added",),
    "sources": ("event source added", "+sqs:ReceiveMessage"),
    "bulk": ("state machine added", "+s3:PutObject"),
}
"""Parts of the line, for keys that add resources."""


@pytest.fixture(scope="module")
def written(zipped: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The templates of a function with one key changed in each."""
    out = tmp_path_factory.mktemp("changes")
    variants: dict[str, dict[str, Any]] = {"base": {}, "same": {}, "model": {"sha256": OTHER_SHA256}}
    variants |= {key: {key: value} for key, value in CHANGES.items()}
    return {name: template(zipped, out / name, **changes) for name, changes in variants.items()}


def template(zipped: Path, out: Path, **changes: Any) -> dict[str, Any]:
    from spacy_lambda.cdk.app import synthesize

    assembly = synthesize([function_spec(zipped, "ner", **{**BASE, **changes})], None, out)
    return dict(read_template(assembly, "news-ner"))


def test_every_field_has_an_effect() -> None:
    assert sorted([*CHANGES, *READ_BY]) == sorted(field.name for field in fields(FunctionConfig))


def test_the_same_values_give_the_same_template(written: dict[str, Any]) -> None:
    assert written["same"] == written["base"]


@pytest.mark.parametrize("key", CHANGES)
def test_a_key_changes_the_template(key: str, written: dict[str, Any]) -> None:
    assert written[key] != written["base"]


@pytest.mark.parametrize("key", READ_BY)
def test_a_stage_reads_a_key(key: str) -> None:
    for module in READ_BY[key]:
        assert re.search(rf"\bconfig\.{key}\b", inspect.getsource(module))


def changes(before: Any, after: Any) -> str:
    return describe_changes(find_changes(before, after, stack="news-ner"))


def test_the_tables_have_every_key() -> None:
    assert sorted([*EXPECTED, *NAMED]) == sorted(CHANGES)


@pytest.mark.parametrize("key", CHANGES)
def test_a_key_is_named_with_its_values(key: str, written: dict[str, Any]) -> None:
    line = changes(written["base"], written[key])
    if key in EXPECTED:
        assert line == EXPECTED[key]
    else:
        assert [part for part in NAMED[key] if part not in line] == []
        assert line.endswith("; nothing else")


def test_a_model_and_its_code(written: dict[str, Any]) -> None:
    after = copy.deepcopy(written["model"])
    (function,) = (one for one in after["Resources"].values() if one["Type"] == "AWS::Lambda::Function")
    function["Properties"]["Code"]["S3Key"] = "other.zip"
    assert changes(written["base"], written["model"]) == "model 5f5f5f5f… → 8e8e8e8e…; nothing else"
    assert changes(written["base"], after) == "model 5f5f5f5f… → 8e8e8e8e…, code; nothing else"


def test_nothing_has_changed(written: dict[str, Any]) -> None:
    assert changes(written["base"], written["base"]) == "nothing"


def test_permissions_are_named(written: dict[str, Any], zipped: Path, tmp_path: Path) -> None:
    after = template(zipped, tmp_path / "out", environment={"SPACY_LAMBDA_OUTPUT": "s3://answers/ner/"})
    line = changes(written["base"], after)
    assert "permissions of the function's role (+s3:AbortMultipartUpload +s3:PutObject)" in line


def test_a_template_that_was_made_before(written: dict[str, Any]) -> None:
    """Resources and properties that no table has are named by their types."""
    before = copy.deepcopy(written["base"])
    (function,) = (one for one in before["Resources"].values() if one["Type"] == "AWS::Lambda::Function")
    function["Properties"]["Layers"] = ["old"]
    before["Resources"]["Old"] = {"Type": "AWS::EC2::VPC", "Properties": {}}
    assert changes(before, written["base"]) == "Function news-ner, VPC removed; nothing else"
    assert changes({}, written["base"]).startswith("model unset → 5f5f5f5f…")
