"""The local Lambda as a whole: one function, its environments, and the Invoke API in front of them.

::

    PIPELINE ──pipeline──▶ PipelineSource ──closure──▶ distributions ──taskroot──▶ TaskRoot
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
from spacy_lambda.local.pipeline import read_source
from spacy_lambda.local.pool import Pool
from spacy_lambda.local.settings import FunctionSettings
from spacy_lambda.local.taskroot import TaskRoot, build_task_root

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServedFunction:
    """A function that is being served.

    :param settings: The function.
    :param endpoint_url: What clients take as ``endpoint_url``.
    :param task_root: The folder that stands for ``/var/task``.
    :param pool: The environments.
    """

    settings: FunctionSettings
    endpoint_url: str
    task_root: TaskRoot
    pool: Pool


@contextlib.asynccontextmanager
async def serve_function(
    settings: FunctionSettings, *, host: str = "127.0.0.1", port: int = 0, log: LogSink | None = None
) -> AsyncIterator[ServedFunction]:
    """Serve a function until the context ends; then end its environments and remove the task root.

    :param host: The address to listen on.
    :param port: The port; 0 for a free one.
    :param log: Takes each line that an environment logs; without it, they go to :mod:`logging`.
    :raises LocalLambdaError: If the pipeline, a requirement or the address is not to be had.
    """
    pipeline = read_source(settings.pipeline)
    task_root = build_task_root(pipeline.requirements, code=settings.code)
    numbers = itertools.count(1)

    async def start() -> Environment:
        return await Environment.start(
            settings,
            number=next(numbers),
            task_root=task_root.path,
            pipeline=pipeline,
            log=log or _log_line,
        )

    try:
        pool = Pool(settings, start)
        server = HttpServer(InvokeApi(settings, pool.invoke).app, host=host, port=port)
        await server.start()
        try:
            yield ServedFunction(settings, f"http://{server.address}", task_root, pool)
        finally:
            await pool.close()
            await server.close()
    finally:
        if not settings.keep_path:
            task_root.remove()


def _log_line(number: int, line: str) -> None:
    _LOGGER.info("[%d] %s", number, line)
