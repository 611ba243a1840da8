"""``spacy-lambda invoke``: one invocation, and its answer as a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from spacy_lambda.cli.console import say, say_json, say_table
from spacy_lambda.cli.deploy import ConfigOption, RegionOption
from spacy_lambda.core.lambda_limits import REQUEST_BYTES
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import InvokeError

if TYPE_CHECKING:
    from spacy_lambda.local.report_line import Report


_ENTITY_KEYS = ("label", "text", "start", "end")


def invoke(
    name: Annotated[
        str | None, typer.Argument(help="A deployed function of the project; not needed where there is one.")
    ] = None,
    *,
    endpoint: Annotated[
        str | None, typer.Option(help="Another endpoint than AWS's, such as http://127.0.0.1:9001.")
    ] = None,
    function: Annotated[str, typer.Option(help="At an endpoint: the function's name or ARN.")] = "function",
    event: Annotated[str | None, typer.Option(help="A file with the event as JSON; '-' for standard input.")] = None,
    text: Annotated[str | None, typer.Option(help="A text, sent as {\"text\": TEXT}; '-' for standard input.")] = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer's JSON and nothing else.")] = False,
) -> None:
    """Invoke a function, the one that is live in AWS or one at an endpoint, and print its answer."""
    from spacy_lambda.local.caller import invoke as invoke_function
    from spacy_lambda.local.logs import without_empty_stacks

    told = _read_event(event, text)
    if endpoint is not None:
        result = invoke_function(endpoint, function, told)
    else:
        from spacy_lambda.config.aws_names import stack_name
        from spacy_lambda.config.load import load_project
        from spacy_lambda.config.parse import FILE
        from spacy_lambda.deploy.selection import the_function
        from spacy_lambda.deploy.spec import ALIAS

        if config is None and not Path(FILE).exists():
            raise InvokeError(
                f"there is no --endpoint, and no {FILE} in {Path.cwd()}",
                remedy="pass --endpoint http://127.0.0.1:9001 for a local function that `spacy-lambda serve` started,"
                f" or write a {FILE} with `spacy-lambda init`",
            )
        project = load_project(config, region=region)
        deployed = stack_name(project.name, the_function(project, name).name)
        result = invoke_function(None, deployed, told, qualifier=ALIAS, region=project.region)
    if result.error is not None:
        say(f"error: {result.error.error_type}: {result.error.message}", err=True)
        if result.error.remedy is not None:
            say(f"remedy: {result.error.remedy}", err=True)
        if result.log_tail and not as_json:
            say(*without_empty_stacks(result.log_tail.rstrip().splitlines()), err=True)
        raise typer.Exit(1)
    if as_json:
        say_json(result.answer, indent=None)
        return
    print_answer(result.answer)
    if result.report is not None:
        say(_figures(result.report))


def _read_event(event: str | None, text: str | None) -> Any:
    if (event is None) == (text is None):
        raise InvokeError(
            "an invocation needs an event, and only one", remedy="give --event FILE or --text TEXT, not both"
        )
    if text is not None:
        return {"text": _decoded(_standard_input(), "the text") if text == "-" else text}
    try:
        return parse_json(_standard_input() if event == "-" else _content(Path(event or "")))
    except FileNotFoundError as exc:
        raise InvokeError(f"there is no file {event}", remedy="check the path") from exc
    except (OSError, ValueError) as exc:
        raise InvokeError(
            f"the event {event!r} cannot be read as JSON: {exc}", remedy="give a file with one JSON value"
        ) from exc


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return _read(file)


def _standard_input() -> bytes:
    return _read(sys.stdin.buffer)


def _read(file: IO[bytes]) -> bytes:
    """What is in a file, which may be a device that never ends."""
    content = file.read(REQUEST_BYTES + 1)
    if len(content) > REQUEST_BYTES:
        raise InvokeError(f"it has more than {REQUEST_BYTES:,} bytes, Lambda's limit", remedy="send less at once")
    return content


def _decoded(content: bytes, what: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvokeError(f"{what} is not UTF-8: {exc}", remedy="give it in UTF-8") from exc


def print_answer(answer: Any) -> None:
    if not _is_entities(answer):
        say_json(answer)
    elif not answer:
        say("no entities")
    else:
        say_table(_ENTITY_KEYS, ([entity[key] for key in _ENTITY_KEYS] for entity in answer))


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
