"""Every key of a function has an effect: it changes the template, or a stage of the deployment reads it."""

from __future__ import annotations

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
    "cors": ("https://example.org",),
    "page": True,
    "examples": ("Iron.",),
    "metrics": False,
    "tracing": True,
    "alarm_email": "search@example.org",
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


def template(zipped: Path, out: Path, **changes: Any) -> str:
    from spacy_lambda.cdk.app import synthesize

    synthesize([function_spec(zipped, "ner", **{**BASE, **changes})], None, out)
    return (out / "news-ner.template.json").read_text()


@pytest.fixture(scope="module")
def base(zipped: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return template(zipped, tmp_path_factory.mktemp("base") / "out")


def test_every_field_has_an_effect() -> None:
    assert sorted([*CHANGES, *READ_BY]) == sorted(field.name for field in fields(FunctionConfig))


def test_the_same_values_give_the_same_template(base: str, zipped: Path, tmp_path: Path) -> None:
    assert template(zipped, tmp_path / "out") == base


@pytest.mark.parametrize("key", CHANGES)
def test_a_key_changes_the_template(key: str, base: str, zipped: Path, tmp_path: Path) -> None:
    assert template(zipped, tmp_path / "out", **{key: CHANGES[key]}) != base


@pytest.mark.parametrize("key", READ_BY)
def test_a_stage_reads_a_key(key: str) -> None:
    for module in READ_BY[key]:
        assert re.search(rf"\bconfig\.{key}\b", inspect.getsource(module))
