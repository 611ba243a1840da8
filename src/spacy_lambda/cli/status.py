"""``spacy-lambda status``: the state of deployed functions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.options import ConfigOption, FunctionsArgument, JsonOption, ProfileOption, RegionOption
from spacy_lambda.cli.rehearsal import LocalOption, project_environ, rehearsed, suggests_local
from spacy_lambda.core.counts import count

if TYPE_CHECKING:
    from spacy_lambda.deploy.function_status import FunctionStatus
    from spacy_lambda.deploy.source_status import SourceStatus
    from spacy_lambda.deploy.versions import Version


@suggests_local()
def status(
    functions: FunctionsArgument = None,
    *,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the live version of each function, its versions with their pipelines and dates, alarms, errors and sources.

    Example: spacy-lambda status
    """
    from spacy_lambda.config import load_project
    from spacy_lambda.config.selection import chosen_functions
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.function_status import status as read_status
    from spacy_lambda.deploy.function_status import stored_models

    project = load_project(config, region=region, environ=project_environ(config, local=local))
    with rehearsed(project, local=local):
        aws = open_account(project)
        chosen, models = chosen_functions(project, functions or []), stored_models(project, aws)
        found = [read_status(aws, project.name, one.name, models=models) for one in chosen]
    if local:
        found = [replace(one, invocations=None, errors=None) for one in found]
    if as_json:
        print_json(found)
        return
    for one in found:
        print_lines(*_lines(one, local=local))


def _lines(status: FunctionStatus, *, local: bool = False) -> list[str]:
    if status.stack is None:
        option = " --local" if local else ""
        return [f"{status.name}: not deployed; deploy it with `spacy-lambda deploy{option}`"]
    live = f"version {status.live} is live" if status.live else "no version is live"
    lines = [
        f"{status.name}: {live}; {_stack(status.stack)}",
        *(_version(version, status) for version in status.versions),
        f"  last day: {_calls(status)}",
        f"  alarms:   {', '.join(status.alarms) or _no_alarms(status)}",
    ]
    if status.tuning is not None:
        lines.append(f"  {status.tuning}; `spacy-lambda tune` and `spacy-lambda deploy` restore it first")
    lines += [f"  {one.kind + ':':<9} {_source(one)}" for one in status.sources]
    return [*lines, f"  {status.url}"] if status.url else lines


def _stack(state: str) -> str:
    """Describe CloudFormation's status of a stack, such as ``UPDATE_COMPLETE``."""
    return f"stack: {state.lower().replace('_', ' ')}"


def _no_alarms(status: FunctionStatus) -> str:
    return "none in ALARM" if status.invocations is not None else "not evaluated in a rehearsal"


def _calls(status: FunctionStatus) -> str:
    if status.invocations is None or status.errors is None:
        return "not counted in a rehearsal"
    return f"{count(status.invocations, 'invocation')}, {count(status.errors, 'error')}"


def _version(version: Version, status: FunctionStatus) -> str:
    """Return a version's number, date and pipeline; the pipeline's digest, if it has no name in the store."""
    number = str(version.number)
    state = " (live)" if number == status.live else " (live before)" if number in status.live_before else ""
    when = version.published[:16].replace("T", " ")
    return f"  version {version.number}: {when}, {version.model or version.description}{state}"


def _source(source: SourceStatus) -> str:
    parts = [source.name, source.state]
    if source.batch_size is not None:
        parts.append(f"batch size {source.batch_size:,}")
    if source.failed_to is not None:
        parts.append(f"failed to {source.failed_to.rpartition(':')[2]}")
    if source.last_result is not None:
        parts.append(f"last result: {source.last_result}")
    return ", ".join(parts)
