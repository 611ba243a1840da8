"""``spacy-lambda init``: the file that a project begins with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.next_command import command_line
from spacy_lambda.cli.options import ForceOption, JsonOption, RegionOption
from spacy_lambda.cli.output_paths import writable


def init(
    *,
    pipeline: Annotated[str, typer.Option(help="Compiled pipeline: a folder, an installed package, or a location.")],
    name: Annotated[
        str | None,
        typer.Option(help="The project's name.", show_default="the pipeline's, or its folder's if it has none"),
    ] = None,
    region: RegionOption = None,
    out: Annotated[Path, typer.Option(callback=writable, help="The file.")] = Path("spacy-lambda.toml"),
    force: ForceOption = False,
    github: Annotated[
        bool,
        typer.Option("--github", help="Write a GitHub Actions workflow too: check, staging, approval, production."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write spacy-lambda.toml, which shows every key with its default.

    Example: spacy-lambda init --pipeline compiled --region eu-central-1
    """
    from spacy_lambda.config import create_project
    from spacy_lambda.config.precedence import ambient_region

    region = region or ambient_region(os.environ)
    written = create_project(pipeline, out, name=name, region=region, github=github, force=force)
    if as_json:
        print_json(written)
        return
    print_lines(*written)
    if region is None:
        print_lines("no region is set: write it into the file, or set AWS_REGION")
    config: list[str | Path] = [] if out == Path("spacy-lambda.toml") else ["--config", out]
    when = "next" if region else "then"
    print_lines(
        f"{when}: {command_line('spacy-lambda', 'deploy', '--plan', *config)}",
        f"  or, without an AWS account: {command_line('spacy-lambda', 'deploy', '--local', *config)}",
    )
