"""``spacy-lambda destroy``: delete deployed functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_lambda.cli.confirm import confirm, require_terminal
from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.options import ConfigOption, FunctionsArgument, JsonOption, ProfileOption, RegionOption, YesOption
from spacy_lambda.cli.rehearsal import LocalOption, project_environ, rehearsed, suggests_local
from spacy_lambda.core.counts import count
from spacy_lambda.errors import DeployError

if TYPE_CHECKING:
    from spacy_lambda.config.project import Project
    from spacy_lambda.deploy.aws import AwsAccount
    from spacy_lambda.deploy.stacks import StackResource


@suggests_local()
def destroy(
    functions: FunctionsArgument = None,
    *,
    delete_models: Annotated[
        bool, typer.Option("--delete-models", help="Delete the project's bucket and images too, with their contents.")
    ] = False,
    yes: YesOption = False,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Delete functions and their resources, and check that nothing is left.

    Example: spacy-lambda destroy --delete-models
    """
    from spacy_lambda.config import load_project

    project = load_project(config, region=region, environ=project_environ(config, local=local))
    if delete_models and functions:
        raise DeployError(
            "--delete-models applies to the whole project", remedy="leave out the functions' names, or --delete-models"
        )
    with rehearsed(project, local=local):
        _destroy(project, functions or [], delete_models=delete_models, yes=yes, as_json=as_json)


def _destroy(project: Project, functions: list[str], *, delete_models: bool, yes: bool, as_json: bool) -> None:
    from spacy_lambda.cdk.aws_names import stack_name
    from spacy_lambda.config.selection import chosen_functions
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.destruction import destroy as destroy_functions
    from spacy_lambda.deploy.destruction import find_resources_to_delete

    names = [one.name for one in chosen_functions(project, functions)]
    aws = open_account(project)
    stacks = [stack_name(project.name, name) for name in names] + ([project.name] if delete_models else [])
    resources_to_delete = find_resources_to_delete(aws, stacks)
    if resources_to_delete or delete_models:
        _confirm(resources_to_delete, aws, delete_models=delete_models, yes=yes, as_json=as_json)
    destroy_functions(aws, project.name, names, delete_models=delete_models)
    if as_json:
        print_json({"deleted": resources_to_delete, "left": []})
    else:
        done = "deleted; nothing" if resources_to_delete or delete_models else "nothing to delete: nothing"
        print_lines(f"{done} is left of {', '.join(names)} (searched by name and by tag)")


def _confirm(
    resources: Sequence[StackResource], aws: AwsAccount, *, delete_models: bool, yes: bool, as_json: bool
) -> None:
    """List what would be deleted, and ask."""
    require_terminal(yes=yes)
    models = "the bucket and the images are deleted too" if delete_models else "the bucket and the images stay"
    print_lines(*(f"  - {one.kind:<36} {one.about or one.logical_id}" for one in resources), models, err=as_json)
    if not confirm(f"delete {count(len(resources), 'resource')} in {aws.account}/{aws.region}?", yes=yes):
        print_lines("not confirmed; nothing was deleted", err=True)
        raise typer.Exit(1)
