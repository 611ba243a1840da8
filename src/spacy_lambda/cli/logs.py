"""``spacy-lambda logs``: log events of a deployed function."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from spacy_lambda.cli.console import LOG_LINE, is_terminal, print_json, print_lines
from spacy_lambda.cli.log_lines import readable
from spacy_lambda.cli.options import ConfigOption, FunctionArgument, JsonOption, ProfileOption, RegionOption
from spacy_lambda.cli.rehearsal import LocalOption, project_environ, rehearsed, suggests_local
from spacy_lambda.errors import DeployError

SPAN = re.compile(r"(\d+)([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@suggests_local()
def logs(
    function: FunctionArgument = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Stream new log events until Ctrl-C.")] = False,
    since: Annotated[str, typer.Option(help="Begin this long ago: 30s, 10m, 2h, 1d.")] = "10m",
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    local: LocalOption = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Print log events as they are on a terminal too, as when piped.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print a function's log events: on a terminal one line for each invocation; with --json, one JSON object per line.

    Example: spacy-lambda logs --since 1h --follow
    """
    from spacy_lambda.cdk.aws_names import stack_name
    from spacy_lambda.config import load_project
    from spacy_lambda.config.selection import chosen_function
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.logs import read_log
    from spacy_lambda.local.log_pipe import without_empty_stacks

    beginning = _span(since)
    project = load_project(config, region=region, environ=project_environ(config, local=local))
    name = stack_name(project.name, chosen_function(project, function).name)
    count, is_readable = 0, is_terminal() and not raw
    with rehearsed(project, local=local):
        for event in read_log(open_account(project), name, since=beginning, follow=follow):
            count += 1
            if as_json:
                line = {"time": event.time.isoformat(), "stream": event.stream, "message": event.message}
                print_json(line, indent=None)
                continue
            lines = without_empty_stacks(readable(event.message) if is_readable else event.message.splitlines())
            if lines or not is_readable:
                first, *more = lines or [""]
                print_lines(f"{event.time:%Y-%m-%d %H:%M:%S} {first}", *more, limit=LOG_LINE)
    if not count:
        print_lines(f"no log events of {name} in the last {since}; --since 1d goes further back", err=True)


def _span(text: str) -> timedelta:
    match = SPAN.fullmatch(text)
    if match is None:
        raise DeployError(f"--since {text!r} is invalid", remedy="write 30s, 10m, 2h or 1d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})
