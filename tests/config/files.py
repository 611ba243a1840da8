"""Files for the tests of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.config import Project, load_project
from spacy_lambda.errors import ConfigError

PROJECT = """
[project]
name = "papers"
region = "eu-central-1"
"""
FUNCTION = """
[functions.ner]
pipeline = "./compiled"
"""
HOSTILE = [
    "{{resolve:ssm:/secret}}",
    "a{{resolve:secretsmanager:mine:SecretString}}b",
    "{{ RESOLVE:ssm:x}}",
    "${Token[AWS.AccountId.3]}",
    "#{Token[TOKEN.1]}",
    "${AWS::AccountId}",
    "${!AWS::Region}",
    "a\0b",
    "a\x1bb",
    "a\x85b",
    "a\u2028b",
]
"""Values that CloudFormation, the CDK or a terminal would interpret."""


def load(folder: Path, text: str, *, region: str | None = None, **environ: str) -> Project:
    """Load a file with this text."""
    path = folder / "spacy-lambda.toml"
    path.write_text(text, encoding="utf-8")
    return load_project(path, region=region, environ=environ)


def faults(folder: Path, text: str, *, region: str | None = None, **environ: str) -> list[tuple[str, str, str]]:
    """Return the faults of a file with this text."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, region=region, **environ)
    return [(key, problem, remedy) for key, problem, remedy in caught.value.faults]
