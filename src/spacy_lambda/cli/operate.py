"""``spacy-lambda status``, ``logs``, ``rollback`` and ``destroy``: what one does with deployed functions."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_lambda.cli.confirm import ask, require_somebody
from spacy_lambda.cli.console import say, say_json
from spacy_lambda.cli.deploy import ConfigOption, JsonOption, NamesArgument, RegionOption, YesOption
from spacy_lambda.errors import DeployError

if TYPE_CHECKING:
    from spacy_lambda.deploy.status import FunctionStatus

SPAN = re.compile(r"(\d+)([smhd])")
MESSAGE = 256 * 1024
"""Characters of a log's message at most, as CloudWatch has it."""
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def status(
    functions: NamesArgument = None,
    *,
    config: ConfigOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which version of each function is live, and how it is."""
    from spacy_lambda.config.load import load_project
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.selection import chosen_functions
    from spacy_lambda.deploy.status import function_status

    project = load_project(config, region=region)
    aws = open_account(project)
    found = [function_status(aws, project.name, one.name) for one in chosen_functions(project, functions or [])]
    if as_json:
        say_json([asdict(one) for one in found])
        return
    for one in found:
        say(*_told(one))


def _told(status: FunctionStatus) -> list[str]:
    if status.stack is None:
        return [f"{status.name}: not deployed"]
    live = f"version {status.live} is live" if status.live else "no version is live"
    lines = [
        f"{status.name}: {live} ({status.stack})",
        f"  versions: {', '.join(str(version.number) for version in status.versions) or 'none'}",
        f"  last day: {status.invocations:,} calls, {status.errors:,} errors",
        f"  alarms:   {', '.join(status.alarms) or 'none rings'}",
    ]
    return [*lines, f"  {status.url}"] if status.url else lines


def logs(
    function: Annotated[str | None, typer.Argument(help="The function; not needed where there is one.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    since: Annotated[str, typer.Option(help="From how long ago: 30s, 10m, 2h, 1d.")] = "10m",
    config: ConfigOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a function's log."""
    from spacy_lambda.config.aws_names import stack_name
    from spacy_lambda.config.load import load_project
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.logs import read_log
    from spacy_lambda.deploy.selection import the_function
    from spacy_lambda.local.logs import without_empty_stacks

    project = load_project(config, region=region)
    name = stack_name(project.name, the_function(project, function).name)
    for event in read_log(open_account(project), name, since=_span(since), follow=follow):
        if as_json:
            told = {"time": event.time.isoformat(), "stream": event.stream, "message": event.message}
            say_json(told, indent=None)
        else:
            first, *more = without_empty_stacks(event.message.splitlines()) or [""]
            say(f"{event.time:%Y-%m-%d %H:%M:%S} {first}", *more, limit=MESSAGE)


def rollback(
    function: Annotated[str | None, typer.Argument(help="The function; not needed where there is one.")] = None,
    *,
    version: Annotated[str | None, typer.Option(help="The version.", show_default="the one before")] = None,
    yes: YesOption = False,
    config: ConfigOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an older version of a function be live."""
    from spacy_lambda.config.load import load_project
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.rollback import rollback as roll_back
    from spacy_lambda.deploy.selection import the_function

    require_somebody(yes=yes)
    project = load_project(config, region=region)
    name = the_function(project, function).name
    wanted = f"version {version}" if version else "the version before"
    if not ask(f"let {wanted} of {project.name}-{name} be live?", yes=yes):
        raise typer.Exit(1)
    done = roll_back(project.name, name, aws=open_account(project), version=version)
    if as_json:
        say_json(asdict(done), indent=None)
    else:
        say(f"{done.function}: version {done.version} is live (before: {done.previous})")


def destroy(
    functions: NamesArgument = None,
    *,
    delete_models: Annotated[
        bool, typer.Option("--delete-models", help="The bucket and the images too, with everything in them.")
    ] = False,
    yes: YesOption = False,
    config: ConfigOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete functions and everything that was made for them; show that nothing is left that costs."""
    from spacy_lambda.config.aws_names import stack_name
    from spacy_lambda.config.load import load_project
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.destroy import destroy_functions, find_doomed
    from spacy_lambda.deploy.selection import chosen_functions

    require_somebody(yes=yes)
    project = load_project(config, region=region)
    if delete_models and functions:
        raise DeployError(
            "--delete-models is for the whole project", remedy="leave out the functions' names, or --delete-models"
        )
    aws = open_account(project)
    names = [one.name for one in chosen_functions(project, functions or [])]
    stacks = [stack_name(project.name, name) for name in names] + ([project.name] if delete_models else [])
    doomed = find_doomed(aws, stacks)
    if not (as_json and yes):
        for one in doomed:
            say(f"  - {one.kind:<36} {one.name}", err=as_json)
        say("the bucket and the images go too" if delete_models else "the bucket and the images stay", err=as_json)
    if not ask(f"delete {len(doomed)} resources in {aws.account}/{aws.region}?", yes=yes):
        raise typer.Exit(1)
    destroy_functions(aws, project.name, names, delete_models=delete_models)
    if as_json:
        say_json({"deleted": [asdict(one) for one in doomed], "left": []})
    else:
        say(f"deleted; looked for what is left, by name and by tag: nothing of {', '.join(names)}")


def _span(text: str) -> timedelta:
    match = SPAN.fullmatch(text)
    if match is None:
        raise DeployError(f"{text!r} is no span of time", remedy="write 30s, 10m, 2h or 1d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})
