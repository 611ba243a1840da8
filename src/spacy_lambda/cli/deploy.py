"""``spacy-lambda deploy``: the functions of spacy-lambda.toml, live on AWS."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_lambda.cli.confirm import confirm, require_terminal
from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.deploy_plan import plan_facts, print_plan
from spacy_lambda.cli.next_command import command_line, command_options, invoke_command
from spacy_lambda.cli.options import ConfigOption, FunctionsArgument, JsonOption, ProfileOption, RegionOption, YesOption
from spacy_lambda.cli.progress import paused, stages
from spacy_lambda.cli.rehearsal import suggests_local
from spacy_lambda.config.toml_file import FILE
from spacy_lambda.errors import ConfigError

if TYPE_CHECKING:
    from spacy_lambda.config.project import FunctionConfig, Project
    from spacy_lambda.deploy.aws import AwsAccount
    from spacy_lambda.deploy.cdk_cli import Cdk
    from spacy_lambda.deploy.deployment import PlanOptions
    from spacy_lambda.deploy.planning import Plan
    from spacy_lambda.deploy.promotion import LiveVersion

_AWS_EFFECT = (
    "CloudFormation finishes what it has begun. The live version has not changed, unless it was being moved: see"
    " `spacy-lambda status`. Run the same command to continue."
)
_KEPT_EFFECT = (
    "The version that is live in the rehearsal being served has not changed, unless it was being moved: see"
    " `spacy-lambda status --local`."
)
"""Effects of Ctrl-C."""

_ACCOUNT = "account {0.account}/{0.region}"
"""First line of a plan."""


@suggests_local(always=True)
def deploy(
    functions: FunctionsArgument = None,
    *,
    pipeline: Annotated[
        str | None,
        typer.Option(help="Create a project for this compiled pipeline: write the file first, as `init` does."),
    ] = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Print the plan without deploying.")] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Add the difference of the templates and all resources to the plan.")
    ] = False,
    texts: Annotated[
        Path | None,
        typer.Option(
            help="Texts like those of the callers, for the estimated cost: a folder of .txt files, a .jsonl or .spacy"
            " file.",
            show_default="the golden tests",
        ),
    ] = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Deploy a function even if it would fail on Lambda, as `check` finds it.")
    ] = False,
    local: Annotated[
        bool, typer.Option("--local", help="Rehearse on this machine, without credentials; nothing reaches AWS.")
    ] = False,
    serve: Annotated[
        bool,
        typer.Option(
            "--serve", help="With --local: serve the functions until Ctrl-C; other commands find them with --local."
        ),
    ] = False,
    yes: YesOption = False,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bundle, store and deploy functions; each goes live if it passes its golden tests.

    Example: spacy-lambda deploy --plan
    """
    from spacy_lambda.config import load_project
    from spacy_lambda.config.selection import chosen_functions
    from spacy_lambda.doctor.installed import require_extra

    if serve and (plan_only or not local):
        raise typer.BadParameter("--serve needs --local, and excludes --plan")
    require_extra("rehearsal" if local else "deploy")
    is_confirmed = yes or plan_only or local
    if pipeline is not None:
        require_terminal(yes=is_confirmed)
        _create_project(pipeline, config, region)
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.cdk_cli import find_cdk
    from spacy_lambda.deploy.deployment import PlanOptions

    options = PlanOptions(texts=texts, with_difference=diff or (plan_only and as_json), check=not no_check)
    if local:
        _rehearse(functions, config, region, options, plan_only=plan_only, serve=serve, as_json=as_json)
        return
    project = load_project(config, region=region)
    chosen = chosen_functions(project, functions or [])
    aws = open_account(project)
    require_terminal(yes=is_confirmed)
    cdk = find_cdk(on_line=partial(print_lines, err=True))
    if plan_only:
        _plan(project, chosen, aws, cdk, options, as_json=as_json)
    else:
        _keep_region(config or Path(FILE), region)
        _, released = _release(project, chosen, aws, cdk, options, yes=yes, as_json=as_json)
        if as_json:
            print_json([vars(one) for one in released])
            return
        for one, function in zip(released, chosen, strict=True):
            command = invoke_command(project, function.name, config=config, region=region, profile=profile)
            _print_live(one, command)


def _rehearse(
    functions: list[str] | None,
    config: Path | None,
    region: str | None,
    options: PlanOptions,
    *,
    plan_only: bool,
    serve: bool,
    as_json: bool,
) -> None:
    """Deploy to an emulator of AWS, by the same code and with other environment variables."""
    from spacy_lambda.cli.rehearsal import print_rehearsal, project_environ, serve_rehearsal
    from spacy_lambda.config import load_project
    from spacy_lambda.config.selection import chosen_functions
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.cdk_cli import find_cdk
    from spacy_lambda.rehearsal.rehearse import rehearsal

    project = load_project(config, region=region, environ=project_environ(config, local=True))
    chosen = chosen_functions(project, functions or [])
    words = command_options(config=config, region=region)
    account = "rehearsal, nothing is read from AWS: account {0.account}/{0.region}"
    following = _following(config, region, words)  # before the rehearsal sets a region
    with rehearsal(project, chosen, keep=serve) as running:
        aws, cdk = open_account(project), find_cdk(on_line=partial(print_lines, err=True))
        if plan_only:
            _plan(project, chosen, aws, cdk, options, as_json=as_json, account=account)
            rehearse = command_line("spacy-lambda", "deploy", *(functions or ()), "--local", *words)
            print_lines(
                "",
                "This is the plan of a rehearsal: what is deployed in AWS is not known.",
                f"next: {rehearse}",
                err=as_json,
            )
            return
        effect = "nothing is in AWS" if running.functions else f"nothing is in AWS. {_KEPT_EFFECT}"
        plan, released = _release(
            project,
            chosen,
            aws,
            cdk,
            options,
            yes=True,
            as_json=as_json,
            account=account,
            rehearsing=True,
            effect=effect,
        )
        if as_json:
            print_json([vars(one) for one in released])
        for one in released:
            print_lines(f"{one.function}: version {one.version} is live in the rehearsal", err=as_json)
        print_rehearsal(plan, released, running, following=following, err=as_json)
        if serve:
            named = [chosen[0].name] if len(project.functions) > 1 else []
            serve_rehearsal(running, released, words=[*named, *words], err=as_json)


def _following(config: Path | None, region: str | None, words: Sequence[str | Path]) -> str:
    """Return what follows a rehearsal: the deployment, for which the project needs a region."""
    if region is None and not _has_region(config):
        file = config or Path(FILE)
        return f"set project.region in {file}, then: {command_line('spacy-lambda', 'deploy', '--plan', *words)}"
    return command_line("spacy-lambda", "deploy", *words)


def _has_region(config: Path | None) -> bool:
    """Return whether the file or the environment has a region for the commands that are given none."""
    from spacy_lambda.config.precedence import override
    from spacy_lambda.config.toml_file import read_toml

    return "region" in override(read_toml(config or Path(FILE)), region=None, environ=os.environ)[0]["project"]


def _create_project(pipeline: str, config: Path | None, region: str | None) -> None:
    """Write the project's file, unless it exists and names this pipeline."""
    from spacy_lambda.config.scaffold import create_project, require_pipeline

    file = config or Path(FILE)
    if not file.exists():
        print_lines(f"wrote {create_project(pipeline, file, region=region)[0]}", err=True)
        return
    require_pipeline(file, pipeline)


def _keep_region(file: Path, region: str | None) -> None:
    """Write the region of ``--region`` into a file that has none, so that the other commands find the deployment."""
    from spacy_lambda.config.scaffold import add_region
    from spacy_lambda.config.toml_file import read_toml

    if region is None or "region" in read_toml(file).get("project", {}):
        return
    try:
        is_written = add_region(file, region)
    except ConfigError:  # a file that cannot be written keeps nothing from being deployed
        is_written = False
    if is_written:
        print_lines(f'wrote region = "{region}" into {file}, for the other commands', err=True)
    else:
        print_lines(f'add to [project] in {file}, for the other commands: region = "{region}"', err=True)


def _plan(
    project: Project,
    chosen: list[FunctionConfig],
    aws: AwsAccount,
    cdk: Cdk,
    options: PlanOptions,
    *,
    as_json: bool,
    account: str = _ACCOUNT,
) -> None:
    """Print the plan, and change nothing in AWS."""
    from spacy_lambda.deploy.deployment import plan as plan_functions

    with stages(quiet=as_json) as on_step:
        planned = plan_functions(project, chosen, aws=aws, cdk=cdk, options=options, on_step=on_step)
    if as_json:
        print_json([plan_facts(one, planned) for one in planned.functions])
    else:
        print_plan(planned, account=account.format(aws))


def _release(
    project: Project,
    chosen: list[FunctionConfig],
    aws: AwsAccount,
    cdk: Cdk,
    options: PlanOptions,
    *,
    yes: bool,
    as_json: bool,
    account: str = _ACCOUNT,
    rehearsing: bool = False,
    effect: str = _AWS_EFFECT,
) -> tuple[Plan, list[LiveVersion]]:
    """Deploy the functions after the plan is confirmed."""
    from spacy_lambda.deploy.deployment import deploy as deploy_functions

    plans: list[Plan] = []

    def confirm_plan(planned: Plan) -> bool:
        if rehearsing:
            from spacy_lambda.rehearsal.rehearse import refuse_images

            refuse_images(planned)
        plans.append(planned)
        with paused():
            print_plan(planned, account=account.format(aws), err=as_json)
            return confirm("deploy?", yes=yes)

    with stages(quiet=as_json) as on_step, _interruption_explained(effect):
        released = deploy_functions(
            project,
            chosen,
            aws=aws,
            cdk=cdk,
            confirm=confirm_plan,
            on_line=partial(print_lines, err=as_json),
            options=options,
            on_step=on_step,
        )
    if released is None:
        print_lines("not confirmed; nothing was deployed", err=True)
        raise typer.Exit(1)
    return plans[0], released


@contextmanager
def _interruption_explained(effect: str) -> Iterator[None]:
    """Explain the effect of Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        print_lines(f"stopped here; {effect}", err=True)
        raise typer.Exit(130) from None


def _print_live(released: LiveVersion, command: str) -> None:
    before = f" (before: {released.previous})" if released.previous not in (None, released.version) else ""
    print_lines(f"{released.function}: version {released.version} is live{before}")
    if released.pruned:
        print_lines(f"  deleted: version {', '.join(map(str, released.pruned))}")
    if released.url:
        print_lines(f"  {released.url}")
    print_lines(f"  {command}")
