"""``spacy-lambda eject``: the CDK app as files that the user owns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.next_command import command_line
from spacy_lambda.cli.options import (
    ConfigOption,
    ForceOption,
    FunctionsArgument,
    JsonOption,
    ProfileOption,
    RegionOption,
)
from spacy_lambda.cli.output_paths import writable
from spacy_lambda.cli.progress import stages


def eject(
    functions: FunctionsArgument = None,
    *,
    out: Annotated[Path, typer.Option(callback=writable, help="Folder for the app.")] = Path("infrastructure"),
    force: ForceOption = False,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the CDK app into a folder where `cdk deploy` works without spacy-lambda.

    Example: spacy-lambda eject --out infrastructure
    """
    from spacy_lambda.config import load_project
    from spacy_lambda.config.selection import chosen_functions
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.cdk_cli import NPM_PACKAGE
    from spacy_lambda.deploy.ejection import check_folder
    from spacy_lambda.deploy.ejection import eject as eject_app

    check_folder(out, force=force)
    project = load_project(config, region=region)
    with stages(quiet=as_json) as on_step:
        written = eject_app(
            project,
            chosen_functions(project, functions or []),
            out,
            aws=open_account(project),
            force=force,
            on_step=on_step,
        )
    if as_json:
        print_json(written)
        return
    print_lines(*written)
    deployed = f"pip install -r requirements.txt && npx --yes {NPM_PACKAGE} deploy --all"
    print_lines(f"next: {command_line('cd', out)} && {deployed}")
