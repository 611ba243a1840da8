"""``spacy-lambda invoke``: one invocation, and its prediction as a table."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from spacy_lambda.cli.completion import complete_functions, complete_list
from spacy_lambda.cli.console import is_terminal, print_json, print_lines, print_table
from spacy_lambda.cli.function_address import FORMS, invoke_address, is_address
from spacy_lambda.cli.options import (
    INCLUDE_HELP,
    LONG_TEXT_HELP,
    ConfigOption,
    JsonOption,
    ProfileOption,
    RegionOption,
    split_list,
)
from spacy_lambda.cli.rehearsal import LocalOption, project_environ, rehearsed, suggests_local, with_local
from spacy_lambda.core.aws_error_kinds import error_code
from spacy_lambda.core.files import require_regular_file
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.lambda_limits import REQUEST_BYTES
from spacy_lambda.core.loopback import LOCAL_REGION
from spacy_lambda.core.request_options import DOC_PARTS, LongText
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import InvokeError
from spacy_lambda.local.settings import DEFAULT_ENDPOINT

if TYPE_CHECKING:
    from spacy_lambda.client.invocation import Invocation
    from spacy_lambda.client.report_line import Report

_ENTITY_KEYS = ("label", "text", "start", "end")


@suggests_local()
def invoke(
    name: Annotated[
        str | None,
        typer.Argument(
            help=f"The deployed function's name in the project; without a project {FORMS}; with --endpoint, the"
            " function's name or ARN there.",
            show_default="the only one",
            autocompletion=complete_functions,
        ),
    ] = None,
    *,
    endpoint: Annotated[str | None, typer.Option(help=f"Endpoint other than AWS, such as {DEFAULT_ENDPOINT}.")] = None,
    function: Annotated[
        str | None,
        typer.Option(help="With --endpoint: the function's name or ARN, like NAME.", show_default="function"),
    ] = None,
    event: Annotated[
        str | None, typer.Option(metavar="FILE", help="File with the event as JSON; '-' for standard input.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Text, sent as {\"text\": TEXT}; '-' for standard input.")] = None,
    include: Annotated[
        str | None,
        typer.Option(
            help=f"With --text: {INCLUDE_HELP}",
            show_default="the entities as a list",
            autocompletion=complete_list(DOC_PARTS),
        ),
    ] = None,
    long_text: Annotated[
        LongText | None, typer.Option(help=f"With --text: {LONG_TEXT_HELP}", show_default="refuse")
    ] = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    local: LocalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Invoke a function, the live version on AWS or one at an endpoint, and print its prediction.

    Example: spacy-lambda invoke --endpoint http://127.0.0.1:9001 --text "Thin films of iron oxide."
    """
    from spacy_lambda.local.log_pipe import without_empty_stacks

    options: dict[str, Any] = {} if include is None else {"include": split_list(include)}
    payload = _read_event(event, text, options if long_text is None else {**options, "long_text": long_text})
    if endpoint is not None:
        from spacy_lambda.local.caller import invoke as invoke_function

        if None not in (name, function) and name != function:
            raise typer.BadParameter(f"names {function!r}, and the argument {name!r}", param_hint="--function")
        result = invoke_function(endpoint, name or function or "function", payload, region=region or LOCAL_REGION)
    elif function is not None:
        raise typer.BadParameter("applies to --endpoint only; pass the name as the argument", param_hint="--function")
    elif name is not None and is_address(name):
        if config is not None or local:
            raise InvokeError(
                f"{name} is not the name of a function in a project, and --{'local' if local else 'config'} applies"
                " to these only",
                remedy="leave the option out, or pass the name",
            )
        result = invoke_address(name, payload, region=region)
    else:
        result = _invoke_deployed(name, payload, config=config, region=region, local=local)
    if result.error is not None:
        failure = result.error.failure
        about = result.error.message if failure is None else failure.message
        print_lines(f"error: {result.error.error_type}: {about}", err=True)
        if result.error.remedy is not None:
            remedy = with_local(result.error.remedy) if local else result.error.remedy
            print_lines(f"remedy: {remedy}", err=True)
        if result.log_tail and not as_json:
            print_lines(*without_empty_stacks(result.log_tail.rstrip().splitlines()), err=True)
        raise typer.Exit(1)
    if as_json:
        print_json(result.answer, indent=None)
        return
    print_prediction(result.answer)
    if result.report is not None:
        # Into a pipe goes the prediction alone.
        print_lines(_figures(result.report), err=not is_terminal())


def _invoke_deployed(
    name: str | None, payload: Any, *, config: Path | None, region: str | None, local: bool
) -> Invocation:
    """Invoke the live version of a function of the project."""
    from spacy_lambda.cdk.aws_names import stack_name
    from spacy_lambda.cdk.spec import ALIAS
    from spacy_lambda.config import load_project
    from spacy_lambda.config.selection import chosen_function
    from spacy_lambda.config.toml_file import FILE
    from spacy_lambda.local.caller import invoke as invoke_function

    if config is None and not Path(FILE).exists():
        raise InvokeError(
            f"no --endpoint, and no {FILE} in {Path.cwd()}",
            remedy=f"pass --endpoint {DEFAULT_ENDPOINT} for a local function that `spacy-lambda serve` started,"
            f" {FORMS.replace('NAME', name or 'NAME')} for any other, or write a {FILE} with `spacy-lambda init`",
        )
    project = load_project(config, region=region, environ=project_environ(config, local=local))
    deployed = stack_name(project.name, chosen_function(project, name).name)
    where = "the rehearsal" if local else project.region
    with rehearsed(project, local=local), _missing_explained(deployed, where, config):
        return invoke_function(None, deployed, payload, qualifier=ALIAS, region=project.region)


@contextmanager
def _missing_explained(function: str, where: str, config: Path | None) -> Iterator[None]:
    """Name the command that deploys a function which AWS does not have."""
    try:
        yield
    except InvokeError as exc:
        if error_code(exc.__cause__) != "ResourceNotFoundException":
            raise
        of_file = f" --config {quote(str(config))}" if config else ""
        raise InvokeError(
            f"{function} is not deployed in {where}, or has no live version",
            remedy=f"deploy it: spacy-lambda deploy{of_file}; `spacy-lambda status{of_file}` shows its state",
        ) from exc


def _read_event(event: str | None, text: str | None, options: Mapping[str, Any]) -> Any:
    """Return the event.

    :param options: Further keys of the request for a text.
    """
    if (event is None) == (text is None):
        raise InvokeError("an invocation needs exactly one event", remedy="pass --event FILE or --text TEXT, not both")
    if text is not None:
        return {"text": _decoded(_standard_input(), "the text") if text == "-" else text, **options}
    if options:
        given = " and ".join(f"--{name.replace('_', '-')}" for name in options)
        keys = " and ".join(f'"{name}"' for name in options)
        raise InvokeError(f"{given} cannot be combined with --event", remedy=f"write {keys} into the event")
    try:
        return parse_json(_standard_input() if event == "-" else _content(Path(event or "")))
    except FileNotFoundError as exc:
        raise InvokeError(f"the file {event} does not exist", remedy="check the path") from exc
    except (OSError, ValueError) as exc:
        raise InvokeError(
            f"the event {event!r} cannot be read as JSON: {system_reason(exc)}",
            remedy="pass a file with one JSON value",
        ) from exc


def _content(path: Path) -> bytes:
    require_regular_file(path)
    with path.open("rb") as file:
        return _read(file)


def _standard_input() -> bytes:
    return _read(sys.stdin.buffer)


def _read(file: IO[bytes]) -> bytes:
    """Read a file, which may be an endless device."""
    content = file.read(REQUEST_BYTES + 1)
    if len(content) > REQUEST_BYTES:
        raise InvokeError(
            f"the event has more than {REQUEST_BYTES:,} bytes, Lambda's limit", remedy="send less at once"
        )
    return content


def _decoded(content: bytes, what: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvokeError(f"{what} is not UTF-8: {exc}", remedy="encode it in UTF-8") from exc


def print_prediction(answer: Any) -> None:
    """Print a prediction: entities as a table, anything else as JSON."""
    if not _is_entities(answer):
        print_json(answer)
    elif not answer:
        print_lines("no entities")
    else:
        print_table(_ENTITY_KEYS, ([entity[key] for key in _ENTITY_KEYS] for entity in answer))


def _is_entities(answer: Any) -> bool:
    return isinstance(answer, list) and all(
        isinstance(entity, dict) and entity.keys() == set(_ENTITY_KEYS) for entity in answer
    )


def _figures(report: Report) -> str:
    parts = [f"duration {report.duration_ms:.1f} ms"]
    if report.init_ms is not None:
        parts.append(f"init {report.init_ms:.1f} ms")
    if report.max_memory_mb is not None:
        parts.append(f"max memory {report.max_memory_mb} MB")
    return ", ".join(parts)
