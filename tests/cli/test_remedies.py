"""Remedies for a new user's first mistakes: each one can be followed."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest
import spacy

from spacy_lambda.pipeline.kind import PipelineKind, describe_kind
from tests.cli.in_process import run_main

OTHER_EXTRAS = ("squarify", "aws_cdk", "cyclonedx", "packaging", "torch", "onnx")
"""Libraries that ``invoke`` does not need."""


def run(*arguments: str, cwd: Path) -> str:
    """Return what a failing command prints on standard error."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "SPACY_LAMBDA_"))]:
            patch.delenv(name)
        patch.setenv("COLUMNS", "200")
        for name in OTHER_EXTRAS if arguments[0] == "invoke" else ():
            patch.setitem(sys.modules, name, None)
        done = run_main(*arguments, cwd=cwd)
    assert done.returncode in (1, 2), done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("mistakes")
    nlp = spacy.blank("en")
    nlp.to_disk(tmp_path / "mine")
    with zipfile.ZipFile(tmp_path / "mine.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in (tmp_path / "mine").rglob("*"):
            wheel.write(path, path.relative_to(tmp_path))
    (tmp_path / "mine.toml").write_text("")
    (tmp_path / "other.toml").write_text("[project]\nname = 'a'\n[functions.ner]\npipeline = './other'\n")
    (tmp_path / "same.toml").write_text("[project]\nname = 'a'\n[functions.ner]\npipeline = 'mine'\n")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "message", "remedy"),
    [
        ("invoke --text x", "no --endpoint, and no spacy-lambda.toml", "--endpoint http://127.0.0.1:9001"),
        ("invoke --text x", "", "spacy-lambda init"),
        ("invoke ner --text x", "no spacy-lambda.toml", "ner:ALIAS, an ARN or a URL"),
        ("invoke --text x --config same.toml", "project.region is missing", "under [project]"),
        (
            "invoke other --region eu-central-1 --text x --config same.toml",
            "unknown function 'other'",
            "choose from ner",
        ),
        ("invoke --text x --endpoint 127.0.0.1:9411", "is not a URL", "write http://127.0.0.1:9411"),
        ("invoke --text x --endpoint localhost:1/a", "is not a URL", "write http://localhost:1/a"),
        ("invoke --text x --endpoint https://", "is not a URL", "write http://"),
        (
            "invoke --event none.json --endpoint http://127.0.0.1:1",
            "the file none.json does not exist",
            "check the path",
        ),
        ("serve mine.toml --port 0", "has the unknown suffix '.toml'", "give a pipeline folder"),
        ("compile mine out --precision int16", "Invalid value for '--precision': 'int16'", ""),
        ("deploy --yes --pipeline mine --config same.toml", "project.region is missing", "under [project]"),
        ("deploy --yes --pipeline ./mine --config other.toml", "its pipeline is './other'", "leave out --pipeline"),
    ],
)
def test_an_error_has_a_remedy(command: str, message: str, remedy: str, folder: Path) -> None:
    err = run(*command.split(), cwd=folder)
    assert message in err
    assert remedy in err
    assert "--force" not in err


@pytest.mark.parametrize(
    ("pipeline", "command"),
    [
        ("en_x", "spacy-lambda compile en_x compiled"),
        ("./output/model-best", "spacy-lambda compile ./output/model-best compiled"),
        ("./store/en_x@0.0.0", "spacy-lambda pull ./store/en_x@0.0.0 original && spacy-lambda compile original"),
        ("s3://bucket/en_x", "spacy-lambda pull s3://bucket/en_x original && spacy-lambda compile original"),
        ("hf://owner/name", "spacy-lambda pull hf://owner/name original && spacy-lambda compile original"),
    ],
)
def test_the_remedy_for_an_original_is_its_compile_command(pipeline: str, command: str) -> None:
    assert f"compile it: {command}" in describe_kind(PipelineKind.ORIGINAL, pipeline)
