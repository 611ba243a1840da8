"""The first file of a project, and the command that writes it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.cdk.source_settings import SOURCE_KINDS
from spacy_lambda.config import FunctionConfig, Project, create_project, load_project
from spacy_lambda.config.combinations import MAX_ENVIRONMENT_BYTES
from spacy_lambda.config.github import WORKFLOW_FILE
from spacy_lambda.config.keys import Key, bulk_keys, function_keys, project_keys, source_keys
from spacy_lambda.config.project import PUBLIC_CONCURRENCY
from spacy_lambda.config.rules import MIN_MEMORY_MB
from spacy_lambda.config.scaffold import add_region
from spacy_lambda.config.template import _has_default, _remark, render_project, toml_value
from spacy_lambda.config.toml_file import parse_toml
from spacy_lambda.core.artifact.pack import pack
from spacy_lambda.core.lambda_limits import MAX_MEMORY_MB, MAX_TIMEOUT_S, MB_PER_VCPU
from spacy_lambda.core.location import parse_location
from spacy_lambda.errors import ConfigError, LocationError, PipelineNotFoundError
from spacy_lambda.store.factory import open_store
from spacy_lambda.store.transfer import push

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "SPACY_LAMBDA_REGION"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def make_pipeline(folder: Path, **meta: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.cfg").touch()
    named = {"lang": "en", "name": "pipeline", "version": "0.0.0", **meta}
    (folder / "meta.json").write_text(json.dumps(named), encoding="utf-8")
    return folder


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spacy_lambda", "init", *arguments]
    environ = {"COLUMNS": "160", "PATH": os.environ["PATH"]}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environ)


def uncommented(text: str) -> str:
    """The template with every setting in force."""
    return re.sub(r"^# (\[|\w+ = )", r"\1", text, flags=re.MULTILINE)


# Contents of the file.


def test_the_file_loads_to_the_defaults(here: Path) -> None:
    make_pipeline(here / "compiled", name="papers", pipeline=["transformer", "ner"])
    assert create_project("./compiled", region="eu-central-1") == [Path("spacy-lambda.toml")]
    assert load_project(environ={}) == Project(
        name="papers",
        region="eu-central-1",
        functions=(FunctionConfig(name="ner", pipeline=str(here / "compiled")),),
        folder=here,
    )


def test_a_region_is_added_to_a_file_that_was_written_without_one(here: Path) -> None:
    create_project("s3://models/x")
    file = here / "spacy-lambda.toml"
    before = file.read_text("utf-8")
    with pytest.raises(ConfigError, match=r"region is .*expected a region"):
        add_region(file, "nowhere")
    assert file.read_text("utf-8") == before
    assert add_region(file, "eu-central-1")
    assert load_project(environ={}).region == "eu-central-1"
    assert not add_region(file, "us-east-1")
    create_project("s3://models/x", here / "other.toml", region="eu-central-1")
    assert file.read_text("utf-8") == (here / "other.toml").read_text("utf-8")


def test_a_file_without_the_comment_of_a_region_stays_as_it_is(here: Path) -> None:
    file = here / "spacy-lambda.toml"
    file.write_text('[project]\nname = "p"\n[functions.ner]\npipeline = "./compiled"\n')
    assert not add_region(file, "eu-central-1")
    assert "region" not in file.read_text("utf-8")


def test_lines_fit_a_terminal(here: Path) -> None:
    create_project("s3://models/x", region="eu-central-1")
    assert max(map(len, (here / "spacy-lambda.toml").read_text("utf-8").splitlines())) <= 100


def test_a_region_can_be_left_to_the_environment(here: Path) -> None:
    create_project("en_scienceie_minilm")
    assert load_project(environ={"AWS_REGION": "eu-west-1"}).region == "eu-west-1"
    with pytest.raises(ConfigError, match=r"project\.region is missing"):
        load_project(environ={})


def test_every_key_is_shown_once_with_its_default() -> None:
    text = render_project(name="papers", function="ner", pipeline="./compiled", region=None)
    values = parse_toml(uncommented(text), Path("x"))
    assert list(values["project"]) == list(project_keys())
    assert sorted(values["functions"]["ner"]) == sorted(function_keys())
    for name, key in function_keys().items():
        if not key.required and key.example is None:
            default = list(key.default) if isinstance(key.default, tuple) else key.default
            assert values["functions"]["ner"][name] == default


def test_every_example_is_valid(here: Path) -> None:
    text = render_project(name="papers", function="ner", pipeline="./compiled", region=None)
    (here / "spacy-lambda.toml").write_text(uncommented(text), encoding="utf-8")
    assert load_project(environ={}).functions[0].budget == 20.0


@given(st.text())
def test_strings_are_written_as_toml(text: str) -> None:
    assert parse_toml(f"a = {toml_value(text)}", Path("x")) == {"a": text}


# Names from the pipeline.


@pytest.mark.parametrize(
    ("folder", "meta", "names"),
    [
        ("compiled", {"name": "papers", "pipeline": ["ner"]}, ("papers", "ner")),
        ("compiled", {"name": "Science_IE-2", "pipeline": ["textcat", "ner"]}, ("science-ie-2", "ner")),
        (
            "metals",
            {"name": "pipeline", "pipeline": ["tok2vec", "textcat_multilabel"]},
            ("metals", "textcat-multilabel"),
        ),
        ("2024", {"name": "7"}, ("ner", "ner")),
        ("x", {"name": "a-very-long-name-that-needs-cutting"}, ("a-very-long-name-tha", "ner")),
    ],
)
def test_names_of_the_pipeline(here: Path, folder: str, meta: dict[str, Any], names: tuple[str, str]) -> None:
    make_pipeline(here / folder, **meta)
    create_project(folder, region="eu-central-1")
    project = load_project(environ={})
    assert (project.name, project.functions[0].name) == names


@pytest.mark.parametrize(
    ("pipeline", "name"),
    [
        ("s3://models/pipelines/en_news@1.0.0", "en-news"),
        ("s3://models/en_news.tar", "en-news"),
        ("hf://acme/metals", "metals"),
        ("en_scienceie_minilm", "scienceie-minilm"),
    ],
)
def test_remote_locations_are_not_changed(pipeline: str, name: str) -> None:
    create_project(pipeline, region="eu-central-1")
    project = load_project(environ={})
    assert (project.name, project.functions[0].pipeline) == (name, pipeline)


def test_a_store_in_a_folder(here: Path) -> None:
    (here / "store" / "refs").mkdir(parents=True)
    create_project("store@1.0", region="eu-central-1")
    assert load_project(environ={}).functions[0].pipeline == f"{here / 'store'}@1.0"


def test_a_relative_pipeline_is_written_relative_to_the_file(here: Path) -> None:
    make_pipeline(here / "compiled")
    out = here / "deployment" / "spacy-lambda.toml"
    create_project("compiled", out, region="eu-central-1")
    assert 'pipeline = "../compiled"' in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["pipeline.tar", "store/en_metals@1.0.0", "store/en_metals"])
def test_a_local_artifact_gives_its_own_name(here: Path, form: str) -> None:
    spacy.blank("en", meta={"name": "metals", "version": "1.0.0"}).to_disk(here / "x")
    pack(here / "x", here / "pipeline.tar")
    push("x", open_store(parse_location("./store")), aliases=("latest",))
    create_project(form, region="eu-central-1")
    assert 'name = "metals"' in (here / "spacy-lambda.toml").read_text(encoding="utf-8")


# Faults.


def test_nothing_is_overwritten(here: Path) -> None:
    workflow = here / WORKFLOW_FILE
    workflow.parent.mkdir(parents=True)
    workflow.write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        create_project("en_scienceie_minilm", github=True)
    assert caught.value.message == f"{WORKFLOW_FILE}: the file exists"
    assert caught.value.remedy == "replace it with --force"
    assert not (here / "spacy-lambda.toml").exists()
    create_project("en_scienceie_minilm", github=True, force=True)
    assert workflow.read_text(encoding="utf-8") != "mine"


@pytest.mark.parametrize(
    ("pipeline", "name", "error"),
    [("nowhere", None, PipelineNotFoundError), ("gs://x", None, LocationError), ("s3://models/x", "X", ConfigError)],
)
def test_no_invalid_file_is_written(here: Path, pipeline: str, name: str | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        create_project(pipeline, name=name)
    assert list(here.iterdir()) == []


def test_a_name_without_room_for_a_stage() -> None:
    with pytest.raises(ConfigError, match=r"SPACY_LAMBDA_PROJECT is .* leaves room for 30"):
        create_project("s3://models/x", name="n" * 25, region="eu-central-1", github=True)


def test_a_file_that_cannot_be_written(here: Path) -> None:
    (here / "a").touch()
    with pytest.raises(ConfigError, match="the file cannot be written"):
        create_project("s3://models/x", here / "a" / "b.toml")


# The command.


def test_the_command_prints_the_next_one(here: Path) -> None:
    done = run("--pipeline", "en_scienceie_minilm", "--region", "eu-central-1", "--github")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"spacy-lambda.toml\n{WORKFLOW_FILE}\nnext: spacy-lambda deploy --plan\n"
        "  or, without an AWS account: spacy-lambda deploy --local\n"
    )
    again = run("--pipeline", "en_scienceie_minilm")
    assert again.returncode == 1
    assert again.stderr == "error: spacy-lambda.toml: the file exists\nremedy: replace it with --force\n"


def test_the_command_reports_a_missing_region(here: Path) -> None:
    done = run("--pipeline", "en_scienceie_minilm", "--out", "other.toml", "--name", "papers")
    assert done.stdout == (
        "other.toml\n"
        "no region is set: write it into the file, or set AWS_REGION\n"
        "then: spacy-lambda deploy --plan --config other.toml\n"
        "  or, without an AWS account: spacy-lambda deploy --local --config other.toml\n"
    )


# The documentation.


def key_reference(keys: Mapping[str, Key]) -> str:
    """Return the table of keys in ``docs/configuration.md``."""
    rows = ["| key | type | default | |", "| --- | --- | --- | --- |"]
    for key in keys.values():
        default = "required" if key.required else f"`{toml_value(key.default)}`" if _has_default(key) else ""
        rows.append(f"| `{key.name}` | {key.kind} | {default} | {_remark(key)} |")
    return "\n".join(rows)


@pytest.mark.parametrize(
    "keys",
    [project_keys(), function_keys(), bulk_keys(), *map(source_keys, SOURCE_KINDS)],
    ids=["project", "function", "bulk", *SOURCE_KINDS],
)
def test_the_documentation_has_the_reference_of_the_keys(keys: dict[str, Key]) -> None:
    assert all(key.description for key in keys.values())
    assert key_reference(keys) in (DOCS / "configuration.md").read_text(encoding="utf-8")


def test_the_documentation_has_the_limits() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert f"`memory` is {MIN_MEMORY_MB} to {MAX_MEMORY_MB}, `timeout` 1 to {MAX_TIMEOUT_S}." in text
    assert f"`environment` has at most {MAX_ENVIRONMENT_BYTES:,} bytes." in text
    assert f"{MB_PER_VCPU:,} MB is one vCPU" in function_keys()["memory"].description
    assert f"{PUBLIC_CONCURRENCY} for a public function" in function_keys()["concurrency"].description
    assert f'With `auth = "none"` it is {PUBLIC_CONCURRENCY} unless' in text
