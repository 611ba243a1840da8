"""``spacy-lambda status``: the state of deployed functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.options import ConfigOption, FunctionsArgument, JsonOption, RegionOption

if TYPE_CHECKING:
    from spacy_lambda.deploy.function_status import FunctionStatus


def status(
    functions: FunctionsArgument = None,
    *,
    config: ConfigOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the live version, alarms and errors of each function.

    Example: spacy-lambda status
    """
    from spacy_lambda.config import load_project
    from spacy_lambda.config.selection import chosen_functions
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.function_status import status as read_status

    project = load_project(config, region=region)
    aws = open_account(project)
    found = [read_status(aws, project.name, one.name) for one in chosen_functions(project, functions or [])]
    if as_json:
        print_json(found)
        return
    for one in found:
        print_lines(*_lines(one))


def _lines(status: FunctionStatus) -> list[str]:
    if status.stack is None:
        return [f"{status.name}: not deployed"]
    live = f"version {status.live} is live" if status.live else "no version is live"
    lines = [
        f"{status.name}: {live} ({status.stack})",
        f"  versions: {', '.join(str(version.number) for version in status.versions) or 'none'}",
        f"  last day: {status.invocations:,} invocations, {status.errors:,} errors",
        f"  alarms:   {', '.join(status.alarms) or 'none in ALARM'}",
    ]
    return [*lines, f"  {status.url}"] if status.url else lines
