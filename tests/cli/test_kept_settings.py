"""Settings of a command that the next one needs: `deploy --region`, and the options of an earlier `compile`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.cli import compile
from spacy_lambda.config import create_project
from spacy_lambda.config.toml_file import read_toml
from spacy_lambda.core.compiled_meta import CompiledMeta
from spacy_lambda.deploy.aws import AwsAccount
from tests.cli.in_process import run_command

REGION = "eu-central-1"


@pytest.fixture
def deploy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return the command in an empty folder; it deploys nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("spacy_lambda.doctor.installed.require_extra", lambda name: None)
    monkeypatch.setattr("spacy_lambda.deploy.aws.open_account", lambda project: AwsAccount("1" * 12, REGION, None))
    monkeypatch.setattr("spacy_lambda.deploy.cdk_cli.find_cdk", lambda **_: None)
    monkeypatch.setattr("spacy_lambda.cli.deploy._release", lambda project, chosen, *_, **options: (None, chosen))
    monkeypatch.setattr("spacy_lambda.cli.deploy._print_live", lambda *_: None)
    monkeypatch.setattr("spacy_lambda.cli.deploy._plan", lambda *_, **options: None)

    def command(*options: str) -> str:
        return str(run_command("deploy", "--region", REGION, *options))

    return command


def region() -> Any:
    return read_toml(Path("spacy-lambda.toml"))["project"].get("region")


def test_a_deployment_writes_the_region_that_the_file_lacks(deploy: Callable[..., str]) -> None:
    create_project("s3://models/x")
    assert "wrote" not in deploy("--plan")
    assert region() is None
    assert f'wrote region = "{REGION}" into spacy-lambda.toml, for the other commands' in deploy("--yes")
    assert region() == REGION
    assert "region" not in deploy("--yes")


def test_a_file_that_cannot_be_changed_is_deployed(deploy: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path("spacy-lambda.toml")
    file.write_text('[project]\nname = "p"\n[functions.ner]\npipeline = "./ok"\n', encoding="utf-8")
    assert f'add to [project] in spacy-lambda.toml, for the other commands: region = "{REGION}"' in deploy("--yes")
    file.unlink()
    create_project("s3://models/x")
    monkeypatch.setattr(Path, "write_text", lambda *_, **options: (_ for _ in ()).throw(PermissionError(13, "denied")))
    assert "add to [project]" in deploy("--yes")


@pytest.mark.parametrize(("name", "precision"), [("papers", "fp32"), ("news", "int8")])
def test_a_compile_that_replaces_another_name_or_precision_reports_it(
    name: str, precision: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(name: str, precision: str) -> None:
        meta = {"lang": "en", "name": name, "version": "1.0.0", "spacy_lambda": {"precision": precision}}
        (tmp_path / "meta.json").write_text(json.dumps(meta), encoding="utf-8")

    write("papers", "int8")
    replaced = compile._name_and_precision(tmp_path)
    write(name, precision)
    meta = CompiledMeta("en_news", "1.0.0", "", precision)
    compile._print(meta, tmp_path, replaced)
    assert "replaces en_papers at int8: to keep its name and precision, repeat" in " ".join(
        capsys.readouterr().out.split()
    )
    compile._print(meta, tmp_path, compile._name_and_precision(tmp_path))
    assert "replaces en_" not in capsys.readouterr().out
    assert compile._name_and_precision(tmp_path / "none") is None
