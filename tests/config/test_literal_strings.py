"""Strings that a template, a policy or a workflow would interpret are faults in every key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.cdk.aws_names import output_resource
from spacy_lambda.cdk.literal_text import key_problem, pattern_problem, text_problem
from spacy_lambda.config import create_project
from spacy_lambda.config.faults import toml_key
from spacy_lambda.config.github import render_workflow
from spacy_lambda.config.keys import function_keys, project_keys
from spacy_lambda.config.template import toml_value
from spacy_lambda.errors import ConfigError
from tests.config.files import FUNCTION, HOSTILE, PROJECT, faults, load

TEXT_KEYS = [key.name for key in function_keys().values() if key.kind == "string"]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("key", TEXT_KEYS)
def test_no_string_of_a_function_is_interpreted(tmp_path: Path, key: str, text: str) -> None:
    named = FUNCTION if key != "pipeline" else FUNCTION.replace('pipeline = "./compiled"', "")
    found = faults(tmp_path, f"{PROJECT}{named}{key} = {toml_value(text)}\n")
    assert [key for key, _, _ in found] == [f"functions.ner.{key}"]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("key", [key.name for key in project_keys().values() if key.kind == "string"])
def test_no_string_of_a_project_is_interpreted(tmp_path: Path, key: str, text: str) -> None:
    values = {"name": "papers", "region": "eu-central-1", key: text}
    project = "[project]\n" + "".join(f"{name} = {toml_value(value)}\n" for name, value in values.items())
    assert f"project.{key}" in [key for key, _, _ in faults(tmp_path, project + FUNCTION)]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("variable", ["SPACY_LAMBDA_PROJECT", "SPACY_LAMBDA_REGION", "SPACY_LAMBDA_ACCOUNT"])
def test_no_override_is_interpreted(tmp_path: Path, variable: str, text: str) -> None:
    if "\0" not in text:
        assert variable in [key for key, _, _ in faults(tmp_path, PROJECT + FUNCTION, **{variable: text})]
    assert "--region" in [key for key, _, _ in faults(tmp_path, PROJECT + FUNCTION, region=text)]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_string_in_an_array_or_a_table_is_interpreted(tmp_path: Path, text: str) -> None:
    tables = f"cors = [{toml_value(text)}]\nenvironment.KEY = {toml_value(text)}\n"
    found = faults(tmp_path, f"{PROJECT}tags.team = {toml_value(text)}\n{FUNCTION}{tables}")
    assert [key for key, _, _ in found] == [
        "project.tags.team",
        "functions.ner.cors[0]",
        "functions.ner.environment.KEY",
    ]


@pytest.mark.parametrize("key", ["Ref", "Condition", "Fn::Sub", "Fn::Transform", "AWS::NoValue", "{{resolve:ssm:x}}"])
@pytest.mark.parametrize("table", ["project.tags", "functions.ner.environment"])
def test_no_key_of_a_table_is_a_function_of_cloudformation(tmp_path: Path, table: str, key: str) -> None:
    text = f'{PROJECT}{FUNCTION}[{table}]\n{toml_value(key)} = "AWS::AccountId"\n'
    assert f"{table}.{toml_key(key)}" in [key for key, _, _ in faults(tmp_path, text)]


def test_lines_and_other_braces_are_literal(tmp_path: Path) -> None:
    value = "-----BEGIN-----\n\tresolve: {{name}} ${HOME} é\r\n"
    found = load(tmp_path, f"{PROJECT}{FUNCTION}environment.KEY = {toml_value(value)}\n")
    assert found.functions[0].environment == {"KEY": value}


@pytest.mark.parametrize("key", ["a*", "a?", "${aws:username}", "a/../b", "./a", "a/..", "a\nb", "x" * 1100])
def test_a_location_in_s3_is_one_location(tmp_path: Path, key: str) -> None:
    place = toml_value(f"s3://models/{key}")
    (fault,) = faults(tmp_path, f"{PROJECT}[functions.ner]\npipeline = {place}\n")
    assert fault[0] == "functions.ner.pipeline"
    found = faults(tmp_path, f"{PROJECT}{FUNCTION}environment.SPACY_LAMBDA_OUTPUT = {place}\n")
    assert {key for key, _, _ in found} == {"functions.ner.environment.SPACY_LAMBDA_OUTPUT"}
    assert output_resource(f"s3://models/{key}") is None


def test_an_account_has_ascii_digits() -> None:
    assert output_resource("https://sqs.eu-central-1.amazonaws.com/١٢٣٤٥٦٧٨٩٠١٢/answers") is None


@given(st.text())
def test_a_hostile_part_is_found_in_any_text(text: str) -> None:
    for hostile in HOSTILE:
        assert text_problem(text + hostile + text) is not None
        assert pattern_problem(text + hostile) is not None
        assert key_problem(text + hostile) is not None


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    spacy.blank("en").to_disk(tmp_path / "compiled")
    return tmp_path


@pytest.mark.parametrize("name", ["${{ github.token }}.toml", "a{{resolve:ssm:x}}.toml", "a\x1b.toml", "a\u2028.toml"])
def test_no_path_of_the_file_is_an_expression_in_a_workflow(compiled: Path, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        create_project("./compiled", Path(name), name="papers", region="eu-central-1", github=True)
    assert [key for key, _, _ in caught.value.faults] == ["--out"]
    assert [path.name for path in compiled.iterdir()] == ["compiled"]


def test_no_path_of_a_pipeline_is_an_expression_in_a_workflow(compiled: Path) -> None:
    (compiled / "compiled").rename(compiled / "${{ secrets.KEY }}")
    with pytest.raises(ConfigError) as caught:
        create_project("./${{ secrets.KEY }}", name="papers", region="eu-central-1", github=True)
    assert [key for key, _, _ in caught.value.faults] == ["--pipeline"]


@pytest.mark.parametrize(
    "path", ["a: b #c", "@REGION@", "@COMPILED@", 'quo"te', "-rf", "naïve 🧪", "it's", "\x7f", "[a]"]
)
def test_paths_in_a_workflow_are_quoted(path: str) -> None:
    import yaml

    text = render_workflow(project="on", config=path, compiled=path, region="eu-central-1")
    workflow: Any = yaml.safe_load(text)
    assert (workflow["env"]["CONFIG"], workflow["env"]["COMPILED"]) == (path, path)
    assert workflow["jobs"]["production"]["env"] == {"SPACY_LAMBDA_PROJECT": "on"}
