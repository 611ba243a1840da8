"""The local Lambda for synchronous code: tests, notebooks, demonstrations."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from spacy_lambda.core.files import StrPath
from spacy_lambda.core.lambda_function import DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_S
from spacy_lambda.errors import LocalLambdaError
from spacy_lambda.local.log_pipe import LogSink
from spacy_lambda.local.router import COMPARE_PATH, side_by_side
from spacy_lambda.local.server import ServedFunction, serve_functions
from spacy_lambda.local.settings import FunctionSettings, LocalFunction, Program

if TYPE_CHECKING:
    from spacy_lambda.client.invocation import Invocation

__all__ = ["LocalLambda", "serve"]


class LocalLambda:
    """A local Lambda that serves a function from a background thread, from construction until :meth:`close`.

    One that is never closed ends with the program.

    ::

        with LocalLambda("./compiled", memory=1769) as local:
            local.predict("Thin films of iron oxide.")
            boto3.client("lambda", endpoint_url=local.endpoint_url, ...)

    :param pipeline: A pipeline's folder, the name of an installed package, or a location in a store; or all settings of
        the function.
    :param memory: With a pipeline: memory in MB; a function that uses more is killed.
    :param timeout: With a pipeline: seconds that an invocation may take.
    :param environment: With a pipeline: environment variables of the function.
    :param program: The program that its environments run; by default the installed packages.
    :param compare: A second function, with which the page of the first one can compare.
    :param host: The address to listen on.
    :param port: The port; 0 for a free one.
    :param allow_hosts: Further accepted host names, in addition to loopback ones and its own addresses.
    :param log: Receives each line that an environment logs, in that thread; by default :mod:`logging`.
    :raises LocalLambdaError: If the pipeline, a requirement or the address is unavailable.
    """

    def __init__(
        self,
        pipeline: FunctionSettings | StrPath,
        *,
        memory: int = DEFAULT_MEMORY_MB,
        timeout: float = DEFAULT_TIMEOUT_S,
        environment: Mapping[str, str] | None = None,
        program: Program | None = None,
        compare: LocalFunction | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_hosts: Sequence[str] = (),
        log: LogSink | None = None,
    ) -> None:
        self._started: Future[Mapping[str, ServedFunction]] = Future()
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._serving: asyncio.Task[None] | None = None
        settings = pipeline
        if not isinstance(settings, FunctionSettings):
            settings = FunctionSettings(
                pipeline=str(settings), memory_mb=memory, timeout_s=timeout, environment=environment or {}
            )
        first = LocalFunction(settings, program)
        functions = {"/": first} if compare is None else side_by_side(first, compare)
        serving = serve_functions(functions, host=host, port=port, allow_hosts=allow_hosts, log=log)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(serving)),
            name="local-lambda",
            daemon=True,
        )
        self._thread.start()
        atexit.register(self.close)  # otherwise the task root would stay
        try:
            self._functions = self._started.result()
        except BaseException:  # Ctrl-C, too
            LocalLambda.close(self)  # not a subclass's, of which only this part is there
            raise

    @property
    def endpoint_url(self) -> str:
        """The ``endpoint_url`` for clients."""
        return self.function.endpoint_url

    @property
    def function(self) -> ServedFunction:
        """The served function."""
        return self._functions["/"]

    @property
    def compared(self) -> ServedFunction | None:
        """The second function, if there is one."""
        return self._functions.get(COMPARE_PATH)

    @property
    def environment_pids(self) -> tuple[int, ...]:
        """The process ids of the running environments, sorted."""
        return tuple(sorted(pid for function in self._functions.values() for pid in function.pool.pids))

    @property
    def url(self) -> str:
        """The function's own URL, as a browser or curl calls it; without a slash at the end."""
        return self.function.url

    def invoke(self, event: Any) -> Invocation:
        """Invoke the function with an event.

        :param event: Any JSON value.
        :returns: Its response or its error, the end of its log, and the figures of the REPORT line.
        """
        from spacy_lambda.local.caller import invoke  # needs boto3

        return invoke(self.endpoint_url, self.function.settings.name, event)

    def predict(self, text: str, **options: Any) -> Any:
        """Return the prediction for a text.

        :param options: Further keys of the request, such as ``include``.
        :param text: The text.
        :raises RequestError: If the function refuses the request.
        :raises LocalLambdaError: If it fails; with the end of its log.
        """
        invocation = self.invoke({"text": text, **options})
        error = invocation.error
        if error is None:
            return invocation.answer
        if error.request_error is not None:
            raise error.request_error
        raise LocalLambdaError(
            f"{error.error_type}: {error.message}\n{invocation.log_tail}",
            remedy=error.remedy or "correct what the log shows",
        )

    def close(self) -> None:
        """End every environment and the server, and remove the task root."""
        if self._loop is None:
            self._stop.set()
        elif self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._end)
        self._thread.join()
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end(self) -> None:
        self._stop.set()
        if self._serving is not None and not self._started.done():
            self._serving.cancel()

    async def _run(self, serving: AbstractAsyncContextManager[Mapping[str, ServedFunction]]) -> None:
        self._serving, self._loop = asyncio.current_task(), asyncio.get_running_loop()
        try:
            async with serving as served:
                self._started.set_result(served)
                await self._stop.wait()
        except BaseException as exc:
            if self._started.done():
                raise
            self._started.set_exception(exc)


def serve(
    pipeline: StrPath,
    *,
    name: str = "function",
    environment: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    log: LogSink | None = None,
) -> LocalLambda:
    """Serve a pipeline as a Lambda function on this machine, until the returned context ends.

    ::

        with serve("./compiled") as local, Client("function", endpoint_url=local.endpoint_url) as client:
            client.predict("Thin films of iron oxide.")

    :class:`LocalLambda` takes every other setting of a function.

    :param pipeline: A pipeline's folder, the name of an installed package, or a location in a store.
    :param name: The function's name.
    :param environment: Environment variables of the function.
    :param host: The address to listen on.
    :param port: The port; 0 for a free one.
    :param log: Takes each line that the function logs; without it, :mod:`logging` does.
    :raises LocalLambdaError: If the pipeline is missing, or the address is in use.
    :raises RequirementError: If the pipeline requires a package that is not installed.
    """
    settings = FunctionSettings(pipeline=str(pipeline), name=name, environment=environment or {})
    return LocalLambda(settings, host=host, port=port, log=log)
