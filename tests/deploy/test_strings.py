"""Nothing of a spec reaches a template unless it means itself there, wherever the spec is from."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.cdk.spec import FunctionSpec, ImageCode, SharedSpec, SpecError
from spacy_lambda.cdk.strings import check_strings
from tests.config.files import HOSTILE
from tests.deploy.specs import IMAGE, PIPELINE, SHARED, every_spec, function_spec

PLACES: dict[str, Any] = {
    "tuple": lambda text: ("a", text),
    "Mapping": lambda text: {"a": text},
    "str": lambda text: text,
}


LITERALS = ("Literal", "Architecture", "Auth", "Canary", "Concurrency", "Python", "Shape")
NOT_IN_TEMPLATES = ("golden", "pipeline", "signed_by")
"""Keys of the configuration for stages before the templates."""


def hostile(spec: Any, text: str) -> list[tuple[str, Any]]:
    """The spec with a text in each field, of its own or of its configuration, that can have one."""
    changed = []
    for field in fields(spec):
        if field.name == "config":
            inner = [one for one in hostile(spec.config, text) if one[0] not in NOT_IN_TEMPLATES]
            changed += [(name, replace(spec, config=config)) for name, config in inner]
            continue
        for kind, place in PLACES.items():
            if kind in str(field.type) or (kind == "str" and str(field.type).startswith(LITERALS)):
                changed.append((field.name, replace(spec, **{field.name: place(text)})))
                break
    return changed


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_every_field_is_checked(zipped: Path, text: str) -> None:
    spec = function_spec(zipped, "ner")
    found = hostile(spec, text)
    expected = {"project", "name", "region", "account", "sha256", "labels", "pipeline", "environment", "tags", "cors"}
    assert expected | {"alarm_email", "python", "live_version"} <= {name for name, _ in found}
    for name, changed in [*found, *hostile(SHARED, text)]:
        with pytest.raises(SpecError, match=rf"^{name}"):
            check_strings(changed)
    with pytest.raises(SpecError, match=r"^code"):
        check_strings(replace(spec, code=ImageCode(text)))


def test_specs_that_are_deployed_pass(zipped: Path) -> None:
    specs: list[FunctionSpec | SharedSpec] = [*every_spec(zipped), SHARED]
    for spec in specs:
        check_strings(spec)
    check_strings(function_spec(zipped, "ner", labels=("WORK OF ART", "{{x}}", "$", "Größe", "人", "🧪")))


@pytest.mark.parametrize("key", ["Ref", "Condition", "Fn::Sub", "a\0"])
@pytest.mark.parametrize("table", ["environment", "tags"])
def test_keys_are_checked(zipped: Path, table: str, key: str) -> None:
    with pytest.raises(SpecError, match=table):
        check_strings(function_spec(zipped, "ner", **{table: {key: "AWS::AccountId"}}))


@pytest.mark.parametrize("part", ["*", "?", "${aws:x}", "../x"])
def test_a_pipelines_name_is_not_a_pattern_of_a_policy(zipped: Path, part: str) -> None:
    spec = function_spec(zipped, "ner", code=ImageCode(IMAGE, efs=True), pipeline=PIPELINE.replace("en_news", part))
    with pytest.raises(SpecError, match="pipeline of 'ner' has") as caught:
        check_strings(spec)
    assert "meta.json" in caught.value.remedy


def test_the_environment_has_no_more_than_lambda_takes(zipped: Path) -> None:
    with pytest.raises(SpecError, match="Lambda takes 4,096"):
        check_strings(function_spec(zipped, "ner", environment={"A": "é" * 2048}))


def test_an_invalid_label_has_a_remedy(zipped: Path) -> None:
    with pytest.raises(SpecError) as caught:
        check_strings(function_spec(zipped, "ner", labels=("ORG", "{{resolve:ssm:x}}")))
    assert caught.value.message == (
        "labels[1] of 'ner' has a dynamic reference of CloudFormation ({{resolve), and cannot be part of a template"
    )
    assert "metrics = false" in caught.value.remedy


def test_no_construct_takes_it(zipped: Path) -> None:
    from aws_cdk import App

    from spacy_lambda.deploy import FunctionStack, NerFunction, SharedStack

    spec = function_spec(zipped, "ner", labels=("${Token[AWS.Partition.1]}",), live_version="1")
    for construct in (FunctionStack, NerFunction):
        with pytest.raises(SpecError, match="a token of the CDK"):
            construct(App(), "Bad", spec)
    with pytest.raises(SpecError, match="a token of the CDK"):
        SharedStack(App(), "Bad", replace(SHARED, tags={"a": "${Token[AWS.Partition.1]}"}))


@pytest.mark.slow
def test_an_ejected_app_takes_it_no_more_than_we_do(zipped: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    from spacy_lambda.deploy.ejection import write_app
    from spacy_lambda.deploy.node import node_environment

    write_app(tmp_path, [function_spec(zipped, "ner", labels=("{{resolve:ssm:x}}",))], SHARED)
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=tmp_path, env=node_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "labels[0] of 'ner' has a dynamic reference of CloudFormation" in done.stderr
