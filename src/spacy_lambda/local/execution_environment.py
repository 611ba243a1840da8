"""One execution environment: AWS's own runtime client in a process, and its Runtime API.

Its start does not wait for the init; the first invocation does. It serves one request at a time, and a request is over
only when the runtime has requested the next one, so that an environment that crashes after its response never gets the
next request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from spacy_lambda.client.report_line import Report
from spacy_lambda.local import lambda_errors
from spacy_lambda.local.env import environment_variables
from spacy_lambda.local.http_server import HttpServer
from spacy_lambda.local.log_pipe import LogPipe, LogSink
from spacy_lambda.local.messages import FunctionResponse, InvokeRequest, Outcome
from spacy_lambda.local.process import ProcessTree
from spacy_lambda.local.runtime_api import RuntimeApi
from spacy_lambda.local.settings import VERSION, FunctionSettings, Program

_SETTLE_S = 10.0


class Environment:
    """A process that runs the function; created by :meth:`start`."""

    def __init__(
        self,
        settings: FunctionSettings,
        *,
        api: RuntimeApi,
        server: HttpServer,
        process: ProcessTree,
        logs: LogPipe,
    ) -> None:
        self._settings = settings
        self._api = api
        self._server = server
        self._process = process
        self._logs = logs
        self._started = time.perf_counter()
        self._invoked = False
        self._closing = False
        process.exited.add_done_callback(self._on_exit)
        self.on_exit: Callable[[Environment], None] = lambda _: None

    @classmethod
    async def start(cls, settings: FunctionSettings, *, number: int, program: Program, log: LogSink) -> Environment:
        """Start the process without waiting for its init.

        :param number: Identifies the environment in the server's log.
        :raises LocalLambdaError: If the system refuses.
        """
        api = RuntimeApi(timeout_s=settings.timeout_s)
        server = HttpServer(api.app)
        await server.start()
        logs = LogPipe(number, log)
        variables = environment_variables(settings, program=program, runtime_api=server.address)
        logs.write(f"INIT_START Runtime Version: python:{program.python}")
        command = (*program.command(variables), settings.handler)
        try:
            process = await ProcessTree.start(command, env=variables, cwd=program.folder, output_fd=logs.write_fd)
        except BaseException:
            logs.close()
            await server.close()
            raise
        logs.close_write_end()
        return cls(settings, api=api, server=server, process=process, logs=logs)

    @property
    def pid(self) -> int:
        """The id of the process, which is also that of its session."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """True if it can serve another request."""
        return not self._closing and self._api.init_error is None and self._process.alive

    async def invoke(self, request: InvokeRequest) -> Outcome:
        """Serve one request, even if the process exits meanwhile."""
        init_ms, failed = (None, None) if self._invoked else await self._init(request)
        self._invoked = True
        self._logs.write(f"START RequestId: {request.request_id} Version: {VERSION}")
        if failed is not None:
            await self._process.kill()
            return self._conclude(request, failed, duration_ms=init_ms or 0.0)
        answer = await self._answer(request)
        # Measured before the wait below, which is the runtime's time rather than the function's.
        memory = self._process.peak_memory_mb()
        duration_ms = (self._api.ended - self._api.began) * 1000
        if answer.error_type == lambda_errors.TIMED_OUT:
            await self._process.kill()
        elif self._process.alive:
            await self._settle()
        return self._conclude(request, answer, duration_ms=duration_ms, init_ms=init_ms, memory=memory)

    async def close(self) -> None:
        """End the process and all of its descendants."""
        self._closing = True
        await self._process.end()
        self._api.close()
        await self._server.close()
        self._logs.close()

    async def _init(self, request: InvokeRequest) -> tuple[float, FunctionResponse | None]:
        """Wait until the runtime requests work.

        :returns: The milliseconds it took, and the error if it failed.
        """
        allowed = max(self._settings.timeout_s, self._settings.init_limit_s)
        if not await self._happens(self._api.idle.wait(), timeout_s=self._settings.init_limit_s - self._elapsed()):
            self._logs.write(
                f"INIT_REPORT Init Duration: {self._elapsed() * 1000:.2f} ms\tPhase: init\tStatus: timeout"
                " (Lambda would restart the init here, within the function's timeout)"
            )
            await self._happens(self._api.idle.wait(), timeout_s=allowed - self._elapsed())
        init_ms = self._elapsed() * 1000
        failed = await self._init_failure(request, allowed)
        if failed is not None:
            self._logs.write(
                f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: init\tStatus: error"
                f"\tError Type: {failed.error_type}"
            )
        return init_ms, failed

    async def _init_failure(self, request: InvokeRequest, allowed_s: float) -> FunctionResponse | None:
        if self._api.init_error is not None:
            return self._api.init_error
        if not self._process.alive:
            return lambda_errors.exited(request.request_id, await asyncio.shield(self._process.exited))
        if not self._api.idle.is_set():
            return lambda_errors.timed_out(request.request_id, allowed_s)
        return None

    async def _answer(self, request: InvokeRequest) -> FunctionResponse:
        answer = self._api.send_event(request)
        await self._happens(answer, timeout_s=self._settings.timeout_s)
        if answer.done() and not answer.cancelled():
            return answer.result()
        self._api.ended = time.perf_counter()
        if not self._process.alive:
            return lambda_errors.exited(request.request_id, await asyncio.shield(self._process.exited))
        return lambda_errors.timed_out(request.request_id, self._settings.timeout_s)

    async def _settle(self) -> None:
        """Wait until the runtime requests the next event or ends; kill one that does neither."""
        if not await self._happens(self._api.idle.wait(), timeout_s=_SETTLE_S):
            await self._process.kill()

    async def _happens(self, event: Awaitable[object], *, timeout_s: float) -> bool:
        """Wait for an event, the end of the process, or the end of the time.

        :returns: ``True`` if there was time left.
        """
        waiter = asyncio.ensure_future(event)
        done, _ = await asyncio.wait(
            {waiter, self._process.exited}, timeout=max(timeout_s, 0.0), return_when=asyncio.FIRST_COMPLETED
        )
        if waiter not in done:
            waiter.cancel()
        return bool(done)

    def _conclude(
        self,
        request: InvokeRequest,
        answer: FunctionResponse,
        *,
        duration_ms: float,
        init_ms: float | None = None,
        memory: int | None = None,
    ) -> Outcome:
        report = Report(
            request_id=request.request_id,
            duration_ms=duration_ms,
            memory_size_mb=self._settings.memory_mb,
            max_memory_mb=memory,
            init_ms=init_ms,
            status=_status(answer),
        )
        self._logs.write(f"END RequestId: {request.request_id}")
        self._logs.write(str(report))
        return Outcome(response=answer, report=report, log_tail=self._logs.take_tail())

    def _elapsed(self) -> float:
        return time.perf_counter() - self._started

    def _on_exit(self, _: asyncio.Task[int]) -> None:
        self.on_exit(self)


def _status(answer: FunctionResponse) -> str | None:
    if answer.error_type is None:
        return None
    return "timeout" if answer.error_type == lambda_errors.TIMED_OUT else "error"
