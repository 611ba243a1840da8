"""``spacy-lambda init``: the file that a project begins with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.console import say


def init(
    *,
    pipeline: Annotated[
        str, typer.Option(help="The compiled pipeline: a folder, an installed package's name, or a location.")
    ],
    name: Annotated[
        str | None,
        typer.Option(help="The project's name.", show_default="the pipeline's, or its folder's if it has none"),
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Where it will be.", show_default="the environment's, else left open")
    ] = None,
    out: Annotated[Path, typer.Option(help="The file.")] = Path("spacy-lambda.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    github: Annotated[
        bool, typer.Option("--github", help="Write a workflow of GitHub's too: check, staging, approval, production.")
    ] = False,
) -> None:
    """Write spacy-lambda.toml, in which every key is shown with its default."""
    from spacy_lambda.config.precedence import ambient_region
    from spacy_lambda.config.scaffold import start_project

    region = region or ambient_region(os.environ)
    for path in start_project(pipeline, out, name=name, region=region, github=github, force=force):
        say(path)
    if region is None:
        say("no region is known: write it into the file, or set AWS_REGION")
    config = "" if out == Path("spacy-lambda.toml") else f" --config {out}"
    say(f"next: spacy-lambda deploy --plan{config}")
