"""``--local``: what ``deploy`` prints about a rehearsal, how it is kept, and its use by other commands."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec, TypeVar

import typer

from spacy_lambda.cli.console import print_lines
from spacy_lambda.cli.deploy_plan import SHARED
from spacy_lambda.cli.end_signals import end_signals
from spacy_lambda.cli.function_address import is_address
from spacy_lambda.cli.next_command import command_line
from spacy_lambda.core.aws_error_kinds import credentials_problem
from spacy_lambda.core.counts import count
from spacy_lambda.core.files import megabytes
from spacy_lambda.errors import ConfigError, SpacyLambdaError

if TYPE_CHECKING:
    from spacy_lambda.config.project import Project
    from spacy_lambda.deploy.planning import Plan, Planned
    from spacy_lambda.deploy.promotion import LiveVersion
    from spacy_lambda.rehearsal.rehearse import Rehearsal

__all__ = [
    "LocalOption",
    "needs_aws",
    "print_rehearsal",
    "project_environ",
    "rehearsed",
    "serve_rehearsal",
    "suggests_local",
    "with_local",
]

_COMMAND = re.compile(r"spacy-lambda (?:deploy|status|logs|invoke|rollback|destroy)\b(?![^`;\n]* --local\b)")
"""A command that takes ``--local``, without it."""

P = ParamSpec("P")
T = TypeVar("T")

LocalOption = Annotated[
    bool, typer.Option("--local", help="Use the rehearsal that `deploy --local --serve` serves, and not AWS.")
]


def suggests_local(*, always: bool = False) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator of a command that lets the remedies of AWS's errors mention ``--local``.

    With ``--local``, the commands in every remedy get it too.

    :param always: Also while no rehearsal is served: the command can make one.
    """

    def change(error: SpacyLambdaError, arguments: Mapping[str, object]) -> str:
        if arguments.get("local"):
            return with_local(error.remedy)
        if arguments.get("endpoint") or is_address(arguments.get("name")):
            return error.remedy
        return error.remedy + _suggestion(error, arguments.get("config"), always=always)

    return _changing_remedies(change)


def needs_aws(reason: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator of a command without ``--local``: while a rehearsal is served, the errors of AWS mention it.

    :param reason: Why the command does not use the rehearsal.
    """

    def change(error: SpacyLambdaError, arguments: Mapping[str, object]) -> str:
        if _is_about_aws(error) and _is_served(arguments.get("config")):
            return f"{error.remedy}\nthe rehearsal that is served on this machine is not used: {reason}"
        return error.remedy

    return _changing_remedies(change)


def _changing_remedies(
    change: Callable[[SpacyLambdaError, Mapping[str, object]], str],
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator of a command.

    :param change: Given an error and the command's arguments, returns the error's remedy.
    """

    def decorate(command: Callable[P, T]) -> Callable[P, T]:
        @wraps(command)
        def run(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return command(*args, **kwargs)
            except SpacyLambdaError as exc:
                exc.remedy = change(exc, kwargs)
                raise

        return run

    return decorate


def with_local(remedy: str) -> str:
    """Return a remedy whose commands use the rehearsal, where they would use AWS."""
    return _COMMAND.sub(r"\g<0> --local", remedy)


def _suggestion(error: SpacyLambdaError, config: object, *, always: bool) -> str:
    if not _is_about_aws(error):
        return ""
    if _is_served(config):
        return "\nor pass --local: a rehearsal of this project is served on this machine"
    if always and _is_without_account(error):
        return "\nor pass --local: a rehearsal on this machine, without an account"
    return ""


def _is_served(config: object) -> bool:
    from spacy_lambda.config.toml_file import FILE, WORK_FOLDER
    from spacy_lambda.rehearsal.emulator_access import kept_access

    file = config if isinstance(config, Path) else Path(FILE)
    return kept_access(file.resolve().parent / WORK_FOLDER) is not None


def _is_about_aws(error: BaseException | None) -> bool:
    """Return whether the region is missing, or an error of botocore is the cause."""
    if isinstance(error, ConfigError):
        return any(key == "project.region" for key, _, _ in error.faults)
    while error is not None:
        if any(kind.__module__.startswith("botocore") for kind in type(error).__mro__):
            return True
        error = error.__cause__
    return False


def _is_without_account(error: SpacyLambdaError) -> bool:
    return isinstance(error, ConfigError) or (
        error.__cause__ is not None and credentials_problem(error.__cause__) is not None
    )


def project_environ(config: Path | None, *, local: bool) -> dict[str, str] | None:
    """Return the environment variables from which a project is completed; ``None`` for those of this process.

    :param config: The project's file.
    """
    if not local:
        return None
    from spacy_lambda.config.toml_file import FILE
    from spacy_lambda.doctor.installed import require_extra

    require_extra("rehearsal")
    from spacy_lambda.rehearsal.rehearse import with_default_region

    return with_default_region(os.environ, (config or Path(FILE)).resolve().parent)


def rehearsed(project: Project, *, local: bool) -> AbstractContextManager[None]:
    """Return a context in which a command uses the rehearsal of a project, if that is wanted.

    :raises DeployError: If none is served.
    """
    if not local:
        return nullcontext()
    from spacy_lambda.rehearsal.rehearse import kept_rehearsal

    return kept_rehearsal(project)


def print_rehearsal(
    plan: Plan, released: Sequence[LiveVersion], rehearsal: Rehearsal, *, following: str, err: bool
) -> None:
    """Print in words what the deployment would have done in AWS, and what was not rehearsed.

    :param following: The command for AWS, and what has to be done before.
    """
    print_lines(*_summary(plan, released, rehearsal, following), err=err)


def _summary(plan: Plan, released: Sequence[LiveVersion], rehearsal: Rehearsal, following: str) -> Iterator[str]:
    yield ""
    yield "This was a rehearsal: nothing was read or changed in AWS. There, the deployment would have"
    if not plan.bootstrapped:
        yield "  - run `cdk bootstrap`, if the account and region do not have it yet"
    named = ", ".join(one.name for one in plan.shared_resources if one.kind in SHARED)
    shared = f"the stack {plan.shared.project}: {named}"
    yield (
        f"  - created {shared}"
        if all(one.is_new for one in plan.functions)
        else f"  - updated, if it differs, {shared}"
    )
    for planned, live in zip(plan.functions, released, strict=True):
        bundle, tests = planned.prepared.bundle, count(len(planned.prepared.golden_tests), "golden test")
        yield f"  - {_stack(planned)}"
        if live.version != live.previous:
            size = megabytes(bundle.zipped or bundle.unzipped)
            yield f"  - published version {live.version} ({size}), which passed {tests}, and made it live"
        yield f"  - cost about ${planned.cost.idle_total:.2f} a month when idle"
    yield "Not rehearsed: permissions, quotas, networks, sources other than queues, and the speed of Lambda's CPUs."
    if rehearsal.expected:
        yield f"Made for the rehearsal, and expected in AWS: {', '.join(rehearsal.expected)}"
    for name in sorted(rehearsal.functions.substituted if rehearsal.functions else ()):
        yield (
            f"This machine cannot run the bundle of {name} (see `spacy-lambda doctor`): its pipeline ran with the"
            " packages that are installed here."
        )
    yield f"next: {following}"


def _stack(planned: Planned) -> str:
    """Describe the change of a function's stack as the plan does."""
    from spacy_lambda.deploy.changes import describe_changes

    stack = f"the stack {planned.spec.function_name}"
    if planned.is_new:
        return f"created {stack}: {count(len(planned.resources), 'resource')}"
    return f"updated {stack}: {describe_changes(planned.changes)}" if planned.changes else f"left {stack} as it is"


def serve_rehearsal(
    rehearsal: Rehearsal, released: Sequence[LiveVersion], *, words: Sequence[str | Path], err: bool
) -> None:
    """Keep the functions until Ctrl-C, or until another signal ends the program.

    :param words: Those that choose the function and the project in other commands.
    """
    print_lines(
        "",
        f"serving the rehearsal at {rehearsal.access.endpoint}; press Ctrl-C to end it",
        *(f"  {one.function}: {one.url}" for one in released if one.url),
        f"  in another terminal: {command_line('spacy-lambda', 'invoke', *words, '--local')} --text '...'",
        "  also with --local: status, logs, rollback, destroy, and deploy for the next version",
        err=err,
    )
    with _stopped_by_signals() as stop:
        stop.wait()
    print_lines("stopping", err=err)


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in end_signals()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
