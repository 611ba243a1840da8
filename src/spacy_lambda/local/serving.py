"""The local Lambda as a whole: one function, its environments, and the Invoke API in front of them.

::

    PIPELINE ──pipeline──▶ PipelineSource ──closure──▶ distributions ──taskroot──▶ TaskRoot ──program──▶ Program
                                                                                                            │
    caller ──invoke_api──▶ Request ──pool──▶ environment ──runtime_api──▶ awslambdaric ──▶ handler
    caller ◀── HTTP 200 ── Outcome ◀─────── START, END, REPORT ◀────────── Answer ◀──────────┘

The first line runs once, at the start; no environment is started before the first request.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from spacy_lambda.local.environment import Environment
from spacy_lambda.local.http_server import HttpServer
from spacy_lambda.local.invoke_api import InvokeApi
from spacy_lambda.local.logs import LogSink
from spacy_lambda.local.pool import Pool
from spacy_lambda.local.program import Program, installed_program
from spacy_lambda.local.settings import FunctionSettings

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServedFunction:
    """A function that is being served.

    :param settings: The function.
    :param endpoint_url: What clients take as ``endpoint_url``.
    :param program: What its environments run.
    :param pool: The environments.
    """

    settings: FunctionSettings
    endpoint_url: str
    program: Program
    pool: Pool


@contextlib.asynccontextmanager
async def serve_function(
    settings: FunctionSettings,
    *,
    program: Program | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    log: LogSink | None = None,
) -> AsyncIterator[ServedFunction]:
    """Serve a function until the context ends; then end its environments.

    :param program: What the environments run; without it, what is installed here, as far as the pipeline needs it.
    :param host: The address to listen on.
    :param port: The port; 0 for a free one.
    :param log: Takes each line that an environment logs; without it, they go to :mod:`logging`.
    :raises LocalLambdaError: If the pipeline, a requirement or the address is not to be had.
    """
    with installed_program(settings) if program is None else contextlib.nullcontext(program) as prepared:
        numbers = itertools.count(1)

        async def start() -> Environment:
            return await Environment.start(settings, number=next(numbers), program=prepared, log=log or _log_line)

        pool = Pool(settings, start)
        server = HttpServer(InvokeApi(settings, pool.invoke).app, host=host, port=port)
        await server.start()
        try:
            yield ServedFunction(settings, f"http://{server.address}", prepared, pool)
        finally:
            await pool.close()
            await server.close()


def _log_line(number: int, line: str) -> None:
    _LOGGER.info("[%d] %s", number, line)
