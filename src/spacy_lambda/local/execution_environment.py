"""One execution environment: AWS's own runtime client in a process, and its Runtime API.

Its start does not wait for the init; the first invocation does. It serves one request at a time, and a request is over
only when the runtime has requested the next one, so that an environment that crashes after its response never gets the
next request.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from spacy_lambda.client.report_line import Report
from spacy_lambda.local import lambda_errors
from spacy_lambda.local.confinement import Confinement
from spacy_lambda.local.log_pipe import LogPipe, LogSink
from spacy_lambda.local.messages import FunctionResponse, InvokeRequest, Outcome
from spacy_lambda.local.runtime_api import NotTaken
from spacy_lambda.local.settings import FunctionSettings
from spacy_lambda.local.snap_start import restore, take_snapshot
from spacy_lambda.local.started_runtime import StartedRuntime, init_report, status_of

_SETTLE_S = 10.0
_DISCONNECT_S = 1.0


class Environment:
    """A process that runs the function; created by :meth:`start`."""

    def __init__(
        self,
        settings: FunctionSettings,
        confinement: Confinement,
        *,
        number: int,
        logs: LogPipe,
        runtime: StartedRuntime,
    ) -> None:
        self._settings = settings
        self._confinement = confinement
        self._number = number
        self._logs = logs
        self._invoked = False
        self._closing = False
        self.on_exit: Callable[[Environment], None] = lambda _: None
        self._use(runtime)

    @classmethod
    async def start(
        cls, settings: FunctionSettings, *, number: int, confinement: Confinement, log: LogSink
    ) -> Environment:
        """Start the process without waiting for its init.

        :param number: Identifies the environment in the server's log.
        :param confinement: Its program and limits.
        :raises LocalLambdaError: If the system refuses.
        """
        logs = LogPipe(number, log)
        logs.write(f"INIT_START Runtime Version: python:{confinement.program.python}")
        try:
            runtime = await StartedRuntime.start(settings, confinement, number=number, output_fd=logs.write_fd)
        except BaseException:
            logs.close()
            raise
        return cls(settings, confinement, number=number, logs=logs, runtime=runtime)

    @property
    def pid(self) -> int:
        """The id of the process, which is also that of its session."""
        return self._runtime.process.pid

    @property
    def usable(self) -> bool:
        """True if it can serve another request."""
        return not self._closing and self._runtime.usable

    async def take_snapshot(self) -> None:
        """Run the init up to its snapshot, as Lambda does when a version is published.

        :raises LocalLambdaError: If the init or a hook before the snapshot fails.
        """
        await take_snapshot(self._runtime, self._logs, timeout_s=self._settings.timeout_s)

    async def invoke(self, request: InvokeRequest) -> Outcome:
        """Serve one request, even if the process exits meanwhile.

        :raises NotTaken: If the process of an earlier request has ended before it had read this one.
        :raises SnapStartFailed: If the environment cannot be restored.
        """
        is_first, self._invoked = not self._invoked, True
        if is_first and self._settings.snap_start:
            restore_ms = await restore(self._runtime, self._logs, python=self._confinement.program.python)
            self._logs.write(f"START RequestId: {request.request_id} Version: {self._settings.version}")
            return await self._handle(request, restore_ms=restore_ms)
        if not is_first and not self._runtime.api.waits:
            raise NotTaken
        init_ms = await self._init(request) if is_first else None
        began = time.perf_counter()
        self._logs.write(f"START RequestId: {request.request_id} Version: {self._settings.version}")
        if not is_first:
            return await self._handle(request, may_be_lost=True)
        if init_ms is not None:
            return await self._handle(request, init_ms=init_ms)
        failed = await self._init_again(request)
        if failed is None:
            return await self._handle(request, began=began)
        memory = self._runtime.memory.peak_mb()
        await self._runtime.process.kill()
        return self._conclude(request, failed, duration_ms=(time.perf_counter() - began) * 1000, memory=memory)

    async def close(self) -> None:
        """End the process and all of its descendants."""
        self._closing = True
        await self._runtime.end()
        self._logs.close()

    def _use(self, runtime: StartedRuntime) -> None:
        self._runtime = runtime
        runtime.process.exited.add_done_callback(self._on_exit)

    async def _init(self, request: InvokeRequest) -> float | None:
        """Wait until the runtime requests work, at most for the time that an init has.

        :returns: The milliseconds it took; ``None`` if it failed.
        """
        runtime, limit_s = self._runtime, self._settings.init_limit_s
        if not self._settings.limits:
            limit_s = max(limit_s, self._settings.timeout_s)
        await self._runtime.happens(runtime.api.idle.wait(), timeout_s=limit_s - runtime.elapsed_s)
        init_ms = runtime.elapsed_s * 1000
        failed = await self._runtime.init_failure(request.request_id, limit_s, event=runtime.api.idle)
        if failed is None:
            return init_ms
        self._report_init(failed, init_ms, phase="init")
        return None

    async def _init_again(self, request: InvokeRequest) -> FunctionResponse | None:
        """Run the init once more, as Lambda does in the first invocation, within the function's timeout.

        :returns: The error if it failed.
        """
        before = self._runtime
        await before.process.kill()
        try:
            if not self._closing:
                self._use(await self._start_again(before.namespaces))
        finally:
            await before.kill()
        if self._closing:
            await self._runtime.kill()
        await self._runtime.happens(self._runtime.api.idle.wait(), timeout_s=self._settings.timeout_s)
        failed = await self._runtime.init_failure(
            request.request_id, self._settings.timeout_s, event=self._runtime.api.idle
        )
        if failed is not None:
            self._report_init(failed, self._runtime.elapsed_s * 1000, phase="invoke")
        return failed

    async def _start_again(self, namespaces: Sequence[int]) -> StartedRuntime:
        return await StartedRuntime.start(
            self._settings,
            self._confinement,
            number=self._number,
            output_fd=self._logs.write_fd,
            namespaces=namespaces,
        )

    def _report_init(self, failed: FunctionResponse, init_ms: float, *, phase: str) -> None:
        self._logs.write(init_report(failed, init_ms, phase=phase))

    async def _handle(
        self,
        request: InvokeRequest,
        *,
        init_ms: float | None = None,
        restore_ms: float | None = None,
        began: float | None = None,
        may_be_lost: bool = False,
    ) -> Outcome:
        """Give the event to the runtime, and wait for its response.

        :param began: The beginning of the invocation, if an init was part of it.
        :param may_be_lost: Raise :class:`NotTaken` if the process ends before it has read the event.
        """
        runtime, left_s = self._runtime, self._settings.timeout_s
        if began is not None:
            left_s -= time.perf_counter() - began
        try:
            answer = await self._answer(request, left_s)
        except NotTaken:
            if may_be_lost:
                raise
            answer = lambda_errors.exited(request.request_id, await asyncio.shield(runtime.process.exited))
        # Measured before the wait below, which is the runtime's time rather than the function's.
        memory = runtime.memory.peak_mb()
        duration_ms = (runtime.api.ended - (runtime.api.began if began is None else began)) * 1000
        if answer.error_type == lambda_errors.TIMED_OUT:
            await runtime.process.kill()
        elif runtime.process.alive:
            await self._settle()
        return self._conclude(
            request, answer, duration_ms=duration_ms, init_ms=init_ms, restore_ms=restore_ms, memory=memory
        )

    async def _answer(self, request: InvokeRequest, timeout_s: float) -> FunctionResponse:
        api, process = self._runtime.api, self._runtime.process
        answer = api.send_event(request, timeout_s=timeout_s)
        ends: set[asyncio.Future[Any]] = {answer, process.exited}
        await asyncio.wait(ends, timeout=max(timeout_s, 0.0), return_when=asyncio.FIRST_COMPLETED)
        if process.exited.done() and not answer.done():
            # The event loop may learn of the end of the process and of its connection in any order.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(api.disconnected.wait(), _DISCONNECT_S)
        if answer.done():
            return answer.result()
        api.ended = time.perf_counter()
        if not process.alive:
            return lambda_errors.exited(request.request_id, await asyncio.shield(process.exited))
        return lambda_errors.timed_out(request.request_id, self._settings.timeout_s)

    async def _settle(self) -> None:
        """Wait until the runtime requests the next event or ends; kill one that does neither."""
        if not await self._runtime.happens(self._runtime.api.idle.wait(), timeout_s=_SETTLE_S):
            await self._runtime.process.kill()

    def _conclude(
        self,
        request: InvokeRequest,
        answer: FunctionResponse,
        *,
        duration_ms: float,
        init_ms: float | None = None,
        restore_ms: float | None = None,
        memory: int | None = None,
    ) -> Outcome:
        report = Report(
            request_id=request.request_id,
            duration_ms=duration_ms,
            memory_size_mb=self._settings.memory_mb,
            max_memory_mb=memory,
            init_ms=init_ms,
            restore_ms=restore_ms,
            status=status_of(answer),
        )
        self._logs.write(f"END RequestId: {request.request_id}")
        self._logs.write(str(report))
        return Outcome(response=answer, report=report, log_tail=self._logs.take_tail())

    def _on_exit(self, _: asyncio.Task[int]) -> None:
        self.on_exit(self)
