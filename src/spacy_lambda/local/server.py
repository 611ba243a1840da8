"""One server for functions, their environments, and the APIs in front of them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from spacy_lambda.local.confinement import Confinement, confine
from spacy_lambda.local.execution_environment import Environment
from spacy_lambda.local.http_server import HttpServer
from spacy_lambda.local.invoke_api import InvokeApi
from spacy_lambda.local.log_pipe import LogSink
from spacy_lambda.local.pool import Pool
from spacy_lambda.local.requirements import installed_program
from spacy_lambda.local.router import RoutedFunction
from spacy_lambda.local.settings import FunctionSettings, LocalFunction, Program

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServedFunction:
    """A served function.

    :param settings: The function.
    :param endpoint_url: The ``endpoint_url`` for clients.
    :param url: The function's own URL, without a slash at the end.
    :param program: The program that its environments run.
    :param pool: Its environments.
    :param missing_limits: For each limit of Lambda that this system does not enforce, one line.
    """

    settings: FunctionSettings
    endpoint_url: str
    url: str
    program: Program
    pool: Pool
    missing_limits: tuple[str, ...] = ()


@contextlib.asynccontextmanager
async def serve_functions(
    functions: Mapping[str, LocalFunction],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    allow_hosts: Sequence[str] = (),
    log: LogSink | None = None,
) -> AsyncIterator[Mapping[str, ServedFunction]]:
    """Serve functions until the context ends; then end their environments.

    :param functions: By the path of each function's URL; one of them is ``/``.
    :param host: The address to listen on.
    :param port: The port; 0 for a free one.
    :param allow_hosts: Further accepted host names, in addition to loopback ones and its own addresses.
    :param log: Receives each line that an environment logs; by default :mod:`logging`.
    :raises LocalLambdaError: If a pipeline, a requirement or the address is unavailable.
    """
    numbers = itertools.count(1)
    with contextlib.ExitStack() as programs:
        prepared = {path: programs.enter_context(_program(function)) for path, function in functions.items()}
        confined = {path: await _confine(function.settings, prepared[path]) for path, function in functions.items()}
        for missing in dict.fromkeys(line for one in confined.values() for line in one.missing):
            _LOGGER.warning("%s", missing)
        pools = {
            path: _pool(function.settings, confined[path], numbers, log or _log_line)
            for path, function in functions.items()
        }
        preparing = [pools[path] for path, function in functions.items() if function.settings.snap_start]
        routed = {path: RoutedFunction(function.settings, pools[path].invoke) for path, function in functions.items()}
        api = InvokeApi(routed)
        server = HttpServer(api.app, host=host, port=port, allow_hosts=allow_hosts, origins=api.origins)
        await server.start()
        endpoint = f"http://{server.address}"
        try:
            for pool in preparing:
                await pool.prepare()
            yield {
                path: ServedFunction(
                    settings=function.settings,
                    endpoint_url=endpoint,
                    url=endpoint + path.rstrip("/"),
                    program=prepared[path],
                    pool=pools[path],
                    missing_limits=confined[path].missing,
                )
                for path, function in functions.items()
            }
        finally:
            await asyncio.gather(*(pool.close() for pool in pools.values()))
            await server.close()


def _program(function: LocalFunction) -> contextlib.AbstractContextManager[Program]:
    if function.program is None:
        return installed_program(function.settings)
    return contextlib.nullcontext(function.program)


async def _confine(settings: FunctionSettings, program: Program) -> Confinement:
    """Find out the limits in another thread, which is not of the loop's own pool: at the end of a program Python starts
    no thread that could end that pool."""
    with ThreadPoolExecutor(1) as executor:
        return await asyncio.get_running_loop().run_in_executor(executor, confine, settings, program)


def _pool(settings: FunctionSettings, confinement: Confinement, numbers: Iterator[int], log: LogSink) -> Pool:
    async def start() -> Environment:
        return await Environment.start(settings, number=next(numbers), confinement=confinement, log=log)

    return Pool(settings, start)


def _log_line(number: int, line: str) -> None:
    _LOGGER.info("[%d] %s", number, line)
