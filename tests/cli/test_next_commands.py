"""The command that a deployment recommends is accepted as it is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.cli.deploy import invoke_command
from spacy_lambda.config.project import FunctionConfig, Project


def project(*names: str) -> Project:
    functions = tuple(FunctionConfig(name=name, pipeline="./compiled") for name in names)
    return Project(name="papers", region="eu-central-1", functions=functions, folder=Path())


@pytest.mark.parametrize(
    ("names", "config", "region", "command"),
    [
        (("ner",), None, None, "spacy-lambda invoke --text '...'"),
        (("ner", "large"), None, None, "spacy-lambda invoke ner --text '...'"),
        (
            ("ner",),
            Path("my apps/papers.toml"),
            "us-east-1",
            "spacy-lambda invoke --config 'my apps/papers.toml' --region us-east-1 --text '...'",
        ),
    ],
)
def test_an_invocation_names_what_the_deployment_named(
    names: tuple[str, ...], config: Path | None, region: str | None, command: str
) -> None:
    assert invoke_command(project(*names), "ner", config=config, region=region) == command
    with_profile = command.replace(" --text", " --profile mine --text")
    assert invoke_command(project(*names), "ner", config=config, region=region, profile="mine") == with_profile
