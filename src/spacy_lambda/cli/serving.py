"""Serve functions in the foreground, until Ctrl-C: shared by ``serve`` and ``run-bundle``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from spacy_lambda.cli.console import LOG_LINE, print_lines
from spacy_lambda.cli.end_signals import end_signals
from spacy_lambda.cli.next_command import command_line
from spacy_lambda.core.env_names import PAGE_VARIABLE
from spacy_lambda.core.loopback import LOCAL_REGION
from spacy_lambda.errors import LocalLambdaError

if TYPE_CHECKING:
    from spacy_lambda.local.server import ServedFunction
    from spacy_lambda.local.settings import LocalFunction

__all__ = ["aws_command", "function_environment", "serve_until_stopped"]


def function_environment(pairs: Sequence[str]) -> dict[str, str]:
    """Return a function's environment variables: those of ``--env KEY=VALUE``, and the page unless it is turned off.

    :raises LocalLambdaError: If a pair is not of that form.
    """
    found = {PAGE_VARIABLE: "on"}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise LocalLambdaError(f"--env {pair!r} is not KEY=VALUE", remedy="write --env KEY=VALUE")
        found[key] = value
    return found


async def serve_until_stopped(
    functions: Mapping[str, LocalFunction], *, host: str, port: int, allow_hosts: Sequence[str] = ()
) -> None:
    """Serve functions until Ctrl-C or another signal that ends programs, and print how to call them.

    :param functions: By the path prefix of each function's URL; one of them is ``/``.
    :param allow_hosts: Host names that are accepted in addition to loopback ones and the server's addresses.
    """
    from spacy_lambda.local.server import serve_functions

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in end_signals():
        loop.add_signal_handler(number, stop.set)
    async with serve_functions(functions, host=host, port=port, allow_hosts=allow_hosts, log=_print_log) as served:
        _print_welcome(served)
        await stop.wait()
        print_lines("stopping")


def _print_welcome(served: Mapping[str, ServedFunction]) -> None:
    function = served["/"]
    settings = function.settings
    url, name = function.endpoint_url, settings.name
    lines = [f"serving {name!r} at {url}; press Ctrl-C to stop", f"  {function.program.about}"]
    for path, other in served.items():
        if path != "/":
            lines += [f"  compared with: {other.settings.name!r} at {other.url}/", f"    {other.program.about}"]
    lines += [
        f"  {missing}" for missing in dict.fromkeys(line for one in served.values() for line in one.missing_limits)
    ]
    if settings.environment.get(PAGE_VARIABLE) == "on":
        lines.append(f"  page: {url}/")
    print_lines(
        *lines,
        f"  try: curl {url}/predict -H 'content-type: application/json' -d '{{\"text\": \"...\"}}'",
        f"  or:  {command_line('spacy-lambda', 'invoke', '--endpoint', url, '--function', name)} --text '...'",
        f"  or:  {aws_command(url, name)}",
    )


def aws_command(url: str, name: str) -> str:
    """Return the AWS CLI's command; its versions 1 and 2 have no common way to give a payload but a file.

    Without ``cat``, a file into which the output is redirected would be emptied between the prediction and the status.
    """
    words = ["aws", "lambda", "invoke", "--endpoint-url", url, "--region", LOCAL_REGION, "--function-name", name]
    words += ["--payload", "fileb:///dev/stdin", "/dev/stdout"]
    credentials = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    return f'echo \'{{"text": "..."}}\' | {command_line(*words, environ=credentials)} | cat'


def _print_log(number: int, line: str) -> None:
    print_lines(f"[{number}] {line}", limit=LOG_LINE)
