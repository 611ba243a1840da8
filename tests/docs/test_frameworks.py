"""Templates of examples/frameworks: each describes the same function, in a form that its tool reads."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from spacy_lambda.cdk.settings import FunctionConfig
from spacy_lambda.core.lambda_function import DEFAULT_PYTHON, DEFAULT_TIMEOUT_S, HANDLER
from tests.docs.blocks import ROOT

FOLDER = ROOT / "examples" / "frameworks"
FUNCTION = {
    "handler": HANDLER,
    "runtime": f"python{DEFAULT_PYTHON}",
    "architecture": "x86_64",
    "memory": 1769,
    "timeout": DEFAULT_TIMEOUT_S,
    "auth": "AWS_IAM",
    "log_format": "JSON",
    "log_retention": FunctionConfig.log_retention,
}


def function_of(lambda_function: Mapping[str, Any], auth: str, resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a CloudFormation function, plain or of SAM.

    :param resources: Those of the template, one of which is its log group.
    """
    (group,) = lambda_function["LoggingConfig"]["LogGroup"].values()
    return {
        "handler": lambda_function["Handler"],
        "runtime": lambda_function["Runtime"],
        "architecture": lambda_function["Architectures"][0],
        "memory": lambda_function["MemorySize"],
        "timeout": lambda_function["Timeout"],
        "auth": auth,
        "log_format": lambda_function["LoggingConfig"]["LogFormat"],
        "log_retention": resources[group]["Properties"]["RetentionInDays"],
    }


def plain(value: Any) -> Any:
    """Return a value of HCL without the quotes of its strings and without its comments."""
    if isinstance(value, dict):
        return {plain(key): plain(one) for key, one in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.removeprefix('"').removesuffix('"') if isinstance(value, str) else value


def lines_of(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())


@pytest.mark.parametrize(
    ("heading", "template"),
    [
        ("## AWS SAM", "sam/template.yaml"),
        ("## Terraform and OpenTofu", "terraform/main.tf"),
        ("## Serverless Framework", "serverless/serverless.yml"),
    ],
)
def test_the_page_shows_a_part_of_the_template(heading: str, template: str) -> None:
    section = (ROOT / "docs" / "frameworks.md").read_text(encoding="utf-8").partition(f"{heading}\n")[2]
    shown = section.partition("```")[2].partition("\n")[2].partition("```")[0]
    assert HANDLER in shown
    assert lines_of(shown).strip() in lines_of((FOLDER / template).read_text(encoding="utf-8"))


class SamLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions, such as ``!GetAtt``."""


SamLoader.add_multi_constructor("!", lambda loader, suffix, node: {suffix: loader.construct_scalar(node)})


def test_sam() -> None:
    text = (FOLDER / "sam" / "template.yaml").read_text()
    resources = yaml.load(text, SamLoader)["Resources"]
    function = resources["Ner"]["Properties"]
    assert function_of(function, function["FunctionUrlConfig"]["AuthType"], resources) == FUNCTION
    assert function["AutoPublishAlias"] == "live"
    assert (FOLDER / "sam" / function["CodeUri"]).resolve() == FOLDER / "bundle.zip"


@pytest.mark.slow
def test_cfn_lint_finds_nothing_in_the_template_of_sam(tmp_path: Path) -> None:
    zipfile.ZipFile(tmp_path / "bundle.zip", "w").close()
    template = tmp_path / "sam" / "template.yaml"
    template.parent.mkdir()
    template.write_text((FOLDER / "sam" / "template.yaml").read_text())
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json", "--", str(template)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert json.loads(done.stdout) == [], done.stderr


@pytest.mark.slow
def test_terraform() -> None:
    found = plain(hcl2.loads((FOLDER / "terraform" / "main.tf").read_text()))
    resources = {kind: body for one in found["resource"] for kind, body in one.items()}
    function = resources["aws_lambda_function"]["ner"]
    assert {
        "handler": function["handler"],
        "runtime": function["runtime"],
        "architecture": function["architectures"][0],
        "memory": function["memory_size"],
        "timeout": function["timeout"],
        "auth": resources["aws_lambda_function_url"]["live"]["authorization_type"],
        "log_format": function["logging_config"][0]["log_format"],
        "log_retention": resources["aws_cloudwatch_log_group"]["ner"]["retention_in_days"],
    } == FUNCTION
    assert resources["aws_lambda_alias"]["live"]["name"] == "live"
    assert found["locals"][0]["bundle"].endswith("/../bundle.zip")
    assert function["logging_config"][0]["log_group"] == "${aws_cloudwatch_log_group.ner.name}"
    assert resources["aws_cloudwatch_log_group"]["ner"]["name"] == f"/aws/lambda/{function['function_name']}"
    (provider,) = found["terraform"][0]["required_providers"]
    lowest = [int(part) for part in provider["aws"]["version"].removeprefix(">= ").split(".")]
    assert lowest >= [5, 76], "5.75 refuses python3.13"


def test_serverless() -> None:
    service = yaml.safe_load((FOLDER / "serverless" / "serverless.yml").read_text())
    provider, function = service["provider"], service["functions"]["ner"]
    assert {
        "handler": function["handler"],
        "runtime": provider["runtime"],
        "architecture": provider["architecture"],
        "memory": function["memorySize"],
        "timeout": function["timeout"],
        "auth": function["url"]["authorizer"].upper(),
        "log_format": provider["logs"]["lambda"]["logFormat"],
        "log_retention": provider["logRetentionInDays"],
    } == FUNCTION
    assert (FOLDER / "serverless" / service["package"]["artifact"]).resolve() == FOLDER / "bundle.zip"


def test_cdk(tmp_path: Path) -> None:
    from aws_cdk import App  # starts a Node process
    from aws_cdk.assertions import Template

    spec = importlib.util.spec_from_file_location("framework_app", FOLDER / "cdk" / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.BUNDLE.resolve() == FOLDER / "bundle.zip"
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        archive.writestr("bundle.json", "{}")
    module.BUNDLE = tmp_path / "bundle.zip"

    template = Template.from_stack(module.NerStack(App(outdir=str(tmp_path / "out")), "papers"))
    resources = template.to_json()["Resources"]
    (function,) = template.find_resources("AWS::Lambda::Function").values()
    (url,) = template.find_resources("AWS::Lambda::Url").values()
    assert function_of(function["Properties"], url["Properties"]["AuthType"], resources) == FUNCTION
    assert url["Properties"]["Qualifier"] == "live"
