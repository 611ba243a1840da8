"""``spacy-lambda serve``: the local Lambda, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_lambda.cli.console import say
from spacy_lambda.cli.numbers import finite
from spacy_lambda.core.env_names import PAGE_VARIABLE
from spacy_lambda.core.lambda_function import DEFAULT_MEMORY_MB, HANDLER
from spacy_lambda.errors import LocalLambdaError
from spacy_lambda.local.settings import FunctionSettings

if TYPE_CHECKING:
    from spacy_lambda.local.routes import Deployment
    from spacy_lambda.local.server import ServedFunction

LONGEST_IDLE_S = 30 * 86_400

PAGE = {PAGE_VARIABLE: "on"}
"""A function on this machine has the page, unless ``--env`` says otherwise."""

MESSAGE = 256 * 1024
"""Characters of a line of a log at most, as in CloudWatch."""

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def serve(
    pipeline: Annotated[
        str, typer.Argument(help="A pipeline directory, an installed package's name, or a location: s3://..., hf://...")
    ],
    *,
    compare: Annotated[
        str | None, typer.Option(help="Another pipeline; the page shows what the two say side by side.")
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 for a free one.")] = 9001,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name by which it may be reached, beside localhost and its addresses; repeatable."),
    ] = None,
    name: Annotated[str, typer.Option(help="The function's name.")] = "function",
    handler: Annotated[str, typer.Option(help="module.function, as in Lambda's setting.")] = HANDLER,
    code: Annotated[Path | None, typer.Option(help="A folder with the handler's own code.")] = None,
    env: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE, an environment variable of the function; repeatable.")
    ] = None,
    timeout: Annotated[float, typer.Option(callback=finite, help="Seconds for one invocation.")] = 30.0,
    memory: Annotated[int, typer.Option(help="MB; told to the function, not enforced.")] = DEFAULT_MEMORY_MB,
    max_concurrency: Annotated[
        int | None,
        typer.Option(help="Environments at most; more requests wait.", show_default="number of CPUs"),
    ] = None,
    idle_timeout: Annotated[
        float, typer.Option(max=LONGEST_IDLE_S, callback=finite, help="Seconds until an idle environment is ended.")
    ] = 600.0,
    keep_path: Annotated[bool, typer.Option("--keep-path", help="Leave the task root at the end.")] = False,
) -> None:
    """Serve a pipeline as a Lambda function on this machine, for boto3 and the AWS CLI."""
    from spacy_lambda.local.routes import Deployment, side_by_side

    limits = {} if max_concurrency is None else {"max_concurrency": max_concurrency}
    settings = FunctionSettings(
        pipeline=pipeline,
        name=name,
        handler=handler,
        code=code,
        environment=PAGE | variables(env or []),
        timeout_s=timeout,
        memory_mb=memory,
        idle_timeout_s=idle_timeout,
        keep_path=keep_path,
        **limits,
    )
    functions = {"/": Deployment(settings)}
    if compare is not None:
        functions = side_by_side(Deployment(settings), Deployment(replace(settings, pipeline=compare)))
    asyncio.run(serve_until_stopped(functions, host=host, port=port, allow_hosts=allow_host or ()))


async def serve_until_stopped(
    functions: Mapping[str, Deployment], *, host: str, port: int, allow_hosts: Sequence[str] = ()
) -> None:
    """Serve functions until Ctrl-C or another signal that ends programs; say how they are called.

    :param functions: By the path below which each function's URL is; one of them is ``/``.
    :param allow_hosts: Names by which it may be reached, besides loopback ones and its addresses.
    """
    from spacy_lambda.local.server import serve_functions

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _ENDS:
        loop.add_signal_handler(number, stop.set)
    async with serve_functions(functions, host=host, port=port, allow_hosts=allow_hosts, log=_print_line) as served:
        _print_welcome(served)
        await stop.wait()
        say("ending")


def _print_welcome(served: Mapping[str, ServedFunction]) -> None:
    function = served["/"]
    settings = function.settings
    url, name = function.endpoint_url, settings.name
    lines = [f"serving {name!r} at {url}, Ctrl-C to end", f"  {function.program.about}"]
    for path, other in served.items():
        if path != "/":
            lines += [f"  beside it: {other.settings.name!r} at {other.url}/", f"    {other.program.about}"]
    if settings.environment.get(PAGE_VARIABLE) == "on":
        lines.append(f"  page: {url}/")
    say(
        *lines,
        f"  try: curl {url}/predict -H 'content-type: application/json' -d '{{\"text\": \"...\"}}'",
        f"  or:  spacy-lambda invoke --endpoint {url} --function {name} --text '...'",
        f"  or:  aws lambda invoke --endpoint-url {url} --function-name {name}"
        " --payload fileb://event.json answer.json",
    )


def _print_line(number: int, line: str) -> None:
    say(f"[{number}] {line}", limit=MESSAGE)


def variables(pairs: list[str]) -> dict[str, str]:
    """``--env KEY=VALUE``, as often as it was given."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise LocalLambdaError(f"--env {pair!r} is not KEY=VALUE", remedy="write --env KEY=VALUE")
        found[key] = value
    return found
