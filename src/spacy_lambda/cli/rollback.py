"""``spacy-lambda rollback``: make an earlier version live."""

from __future__ import annotations

from typing import Annotated

import typer

from spacy_lambda.cli.confirm import confirm
from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.options import ConfigOption, FunctionArgument, JsonOption, ProfileOption, RegionOption, YesOption
from spacy_lambda.cli.rehearsal import LocalOption, project_environ, rehearsed, suggests_local


@suggests_local()
def rollback(
    function: FunctionArgument = None,
    *,
    version: Annotated[
        str | None, typer.Option(help="Version to make live.", show_default="the one that was live before")
    ] = None,
    yes: YesOption = False,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Roll back to an earlier version.

    Example: spacy-lambda rollback --version 7
    """
    from spacy_lambda.config import load_project
    from spacy_lambda.config.selection import chosen_function
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.rollbacks import find_rollback
    from spacy_lambda.deploy.rollbacks import rollback as roll_back

    project = load_project(config, region=region, environ=project_environ(config, local=local))
    name = chosen_function(project, function).name
    with rehearsed(project, local=local):
        aws = open_account(project)
        found = find_rollback(project.name, name, aws=aws, version=version)
        question = (
            f"roll back {found.function} from version {found.previous}, which is live, to version {found.version}?"
        )
        if not confirm(question, yes=yes):
            print_lines("not confirmed; nothing was changed", err=True)
            raise typer.Exit(1)
        done = roll_back(project.name, name, aws=aws, version=found.version)
    if as_json:
        print_json(done, indent=None)
    else:
        print_lines(f"{done.function}: version {done.version} is live (before: {done.previous})")
