"""A started runtime: AWS's runtime client in a process, its Runtime API, and a watch over its memory.

An environment has another one if its init has to run again.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from spacy_lambda.local import lambda_errors
from spacy_lambda.local.confinement import Confinement
from spacy_lambda.local.env import environment_variables
from spacy_lambda.local.http_server import HttpServer
from spacy_lambda.local.memory import MemoryWatch
from spacy_lambda.local.messages import FunctionResponse
from spacy_lambda.local.process import ProcessTree
from spacy_lambda.local.runtime_api import HEADER_BYTES, RuntimeApi
from spacy_lambda.local.settings import FunctionSettings

__all__ = ["StartedRuntime", "init_report", "status_of"]


@dataclass(frozen=True, kw_only=True)
class StartedRuntime:
    """A process and what belongs to it; created by :meth:`start`.

    :param api: Its Runtime API.
    :param server: The server of that.
    :param process: The process.
    :param memory: The watch over the memory of the process and its descendants.
    :param namespaces: Open files of its own namespaces, by which another process enters its sandbox.
    :param started: The time of its start, as of :func:`time.perf_counter`.
    """

    api: RuntimeApi
    server: HttpServer
    process: ProcessTree
    memory: MemoryWatch
    namespaces: list[int] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    @classmethod
    async def start(
        cls,
        settings: FunctionSettings,
        confinement: Confinement,
        *,
        number: int,
        output_fd: int,
        namespaces: Sequence[int] = (),
    ) -> Self:
        """Start the process without waiting for its init.

        :param number: The number of the environment.
        :param output_fd: The file descriptor for its output.
        :param namespaces: Those of an earlier process, whose ``/tmp`` it keeps.
        :raises LocalLambdaError: If the system refuses.
        """
        api = RuntimeApi(timeout_s=settings.timeout_s, snap_start=settings.snap_start)
        server = HttpServer(api.app, on_disconnect=api.on_disconnect, header_bytes=HEADER_BYTES)
        await server.start()
        program = confinement.program
        variables = environment_variables(settings, program=program, runtime_api=server.address)
        command = (*program.command(variables), settings.handler)
        sandbox = tuple(f"namespace={fd}" for fd in namespaces) or confinement.sandbox
        try:
            process = await ProcessTree.start(
                command,
                env=variables,
                cwd=Path("/") if sandbox else program.folder,
                output_fd=output_fd,
                options=(*confinement.process_options(number), *sandbox),
                pass_fds=namespaces,
            )
        except BaseException:
            await server.close()
            raise
        memory = MemoryWatch(process, settings.memory_mb if settings.limits else None)
        own = process.open_namespaces() if sandbox else []
        return cls(api=api, server=server, process=process, memory=memory, namespaces=own)

    @property
    def usable(self) -> bool:
        """True if it can serve a request."""
        return self.api.init_error is None and self.api.restore_error is None and self.process.alive

    @property
    def elapsed_s(self) -> float:
        """Seconds since its start."""
        return time.perf_counter() - self.started

    async def happens(self, event: Awaitable[object], *, timeout_s: float) -> bool:
        """Wait for an event, the end of the process, or the end of the time.

        :returns: ``True`` if there was time left.
        """
        waiter = asyncio.ensure_future(event)
        done, _ = await asyncio.wait(
            {waiter, self.process.exited}, timeout=max(timeout_s, 0.0), return_when=asyncio.FIRST_COMPLETED
        )
        if waiter not in done:
            waiter.cancel()
        return bool(done)

    async def init_failure(self, request_id: str, limit_s: float, *, event: asyncio.Event) -> FunctionResponse | None:
        """Return the error of an init that should have ended.

        :param limit_s: The seconds that it had.
        :param event: Set at its end.
        """
        if self.api.init_error is not None:
            return self.api.init_error
        if not self.process.alive:
            return lambda_errors.exited(request_id, await asyncio.shield(self.process.exited))
        return None if event.is_set() else lambda_errors.timed_out(request_id, limit_s)

    async def kill(self) -> None:
        """End the process and its descendants at once, and the server."""
        await self.process.kill()
        await self._close()

    async def end(self) -> None:
        """Ask the process to end, then end its descendants and the server."""
        await self.process.end()
        await self._close()

    async def _close(self) -> None:
        self.memory.stop()
        while self.namespaces:
            os.close(self.namespaces.pop())
        self.api.close()
        await self.server.close()


def init_report(failed: FunctionResponse, init_ms: float, *, phase: str) -> str:
    """Return the log line of an init that has failed."""
    status = status_of(failed)
    kind = "" if status == "timeout" else f"\tError Type: {failed.error_type}"
    return f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: {phase}\tStatus: {status}{kind}"


def status_of(answer: FunctionResponse) -> str | None:
    """Return the status of a response in the log; ``None`` for a success."""
    if answer.error_type is None:
        return None
    return "timeout" if answer.error_type == lambda_errors.TIMED_OUT else "error"
