"""Rule packs over every template: nothing is found that is not acknowledged with a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from spacy_lambda.cdk.spec import FunctionSpec
from tests.deploy.specs import SHARED

if TYPE_CHECKING:
    from aws_cdk import App

IGNORED = {
    "W3005": "The CDK names dependencies that a reference implies as well.",
}


def _violations(out: Path) -> list[str]:
    reports = json.loads((out / "validation-report.json").read_text())["pluginReports"]
    return [
        f"{report['pluginName']} {found['ruleName']} {where.get('constructPath')}"
        for report in reports
        for found in report["violations"]
        for where in found["violatingConstructs"]
    ]


def _nag(app: App) -> list[str]:
    from aws_cdk import Validations
    from cdk_nag import AwsSolutionsChecks, ServerlessChecks

    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    # Findings are an exception; the report has all of them.
    with suppress(RuntimeError):
        app.synth()
    return _violations(Path(app.outdir))


def test_cdk_nag_finds_nothing(specs: list[FunctionSpec], tmp_path: Path) -> None:
    from spacy_lambda.cdk.app import make_app

    assert _nag(make_app(specs, SHARED, tmp_path / "out")) == []


def test_cdk_nag_would_find_something(tmp_path: Path) -> None:
    from aws_cdk import App, Stack, aws_sqs

    app = App(outdir=str(tmp_path / "out"))
    stack = Stack(app, "other")
    aws_sqs.Queue(stack, "Queue")
    assert {
        "AwsSolutions AwsSolutions-SQS4 other/Queue/Resource",
        "Serverless Serverless-SQSRedrivePolicy other/Queue/Resource",
    } <= set(_nag(app))


def test_the_cdk_itself_finds_nothing(assembly: Path) -> None:
    assert _violations(assembly) == []
    warned = [path.name for path in assembly.glob("*.json") if '"aws:cdk:warning"' in path.read_text()]
    assert warned == []


@pytest.mark.slow
def test_cfn_lint_finds_nothing(assembly: Path) -> None:
    paths = sorted(map(str, assembly.glob("*.template.json")))
    command = str(Path(sys.executable).with_name("cfn-lint"))
    words = [command, "--format", "json", "--ignore-checks", *IGNORED, "--", *paths]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert json.loads(done.stdout) == [], done.stderr
    assert len(paths) == 12


def test_an_assembly_needs_nothing_from_the_account(assembly: Path) -> None:
    manifest = json.loads((assembly / "manifest.json").read_text())
    assert "missing" not in manifest
    stacks = {one["environment"] for one in manifest["artifacts"].values() if one["type"] == "aws:cloudformation:stack"}
    assert stacks == {"aws://123456789012/eu-central-1"}


def test_the_same_specs_give_the_same_assembly(assembly: Path, specs: list[FunctionSpec], tmp_path: Path) -> None:
    from spacy_lambda.cdk.app import synthesize

    other = synthesize(specs, SHARED, tmp_path / "other")
    assert _contents(other) == _contents(assembly)


def test_an_older_assembly_is_replaced(specs: list[FunctionSpec], tmp_path: Path) -> None:
    from spacy_lambda.cdk.app import synthesize

    synthesize(specs[:1], SHARED, tmp_path / "out")
    synthesize([], SHARED, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").glob("*.template.json")] == ["news.template.json"]


def test_a_folder_of_something_else_stays(specs: list[FunctionSpec], tmp_path: Path) -> None:
    from spacy_lambda.cdk.app import synthesize

    (tmp_path / "precious").write_text("")
    synthesize([], SHARED, tmp_path)
    assert (tmp_path / "precious").exists()


def _contents(out: Path) -> dict[str, Any]:
    """Return the files, but for a report with its time and metadata with stack traces of the CDK's library."""
    left_out = ("validation-report.json", ".metadata.json")
    return {path.name: path.read_bytes() for path in out.iterdir() if not path.name.endswith(left_out)}


@pytest.mark.slow
def test_constructs_are_loaded_when_they_are_used() -> None:
    code = (
        "import sys, spacy_lambda.deploy as deploy\n"
        "assert 'aws_cdk' not in sys.modules\n"
        "for name in ('NerFunction', 'FunctionStack', 'SharedStack'):\n"
        "    assert getattr(deploy, name).__name__ == name and 'aws_cdk' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_an_unknown_name_is_an_attribute_error() -> None:
    from spacy_lambda import deploy

    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        deploy.Nonsense  # noqa: B018
