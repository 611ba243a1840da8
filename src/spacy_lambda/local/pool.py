"""The environments of one function: started when needed, ended when idle, each serving one request at a time.

A request gets the environment that was used last; if none is free, a new one is started up to the maximum concurrency.
Then the request queues, first in first out, because Lambda would start another environment, for which one machine has
no CPU; with a reserved concurrency it gets a 429 at once, as in Lambda.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from spacy_lambda.local.execution_environment import Environment
from spacy_lambda.local.messages import InvokeRequest, Outcome
from spacy_lambda.local.runtime_api import NotTaken
from spacy_lambda.local.settings import FunctionSettings


class TooManyRequests(Exception):
    """A request is throttled.

    :param reserved: The function's reserved concurrency is exhausted, rather than the queue full or the wait too long.
    """

    def __init__(self, *, reserved: bool = False) -> None:
        super().__init__()
        self.reserved = reserved


class PoolClosed(Exception):
    """The server is shutting down and accepts no more requests."""


class Pool:
    """Assigns each request to an environment.

    :param settings: The limits.
    :param start: Starts one environment.
    """

    def __init__(self, settings: FunctionSettings, start: Callable[[], Awaitable[Environment]]) -> None:
        self._settings = settings
        self._start = start
        self._places = asyncio.Semaphore(settings.concurrency)
        self._waiting = 0
        self._closed = False
        self._all: set[Environment] = set()
        self._idle: dict[Environment, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the running environments, sorted."""
        # Copied: other threads read it while the event loop changes the set.
        return tuple(sorted(environment.pid for environment in tuple(self._all)))

    async def invoke(self, request: InvokeRequest) -> Outcome:
        """Serve one request.

        :raises TooManyRequests: If the queue is full, or the queue timeout is over.
        :raises PoolClosed: If the server shuts down before its turn.
        :raises LocalLambdaError: If no environment can be started.
        :raises SnapStartFailed: If one cannot be restored.
        """
        async with self._place():
            while True:
                environment = await self._take()
                try:
                    outcome = await environment.invoke(request)
                except NotTaken:
                    self._end(environment)  # and another one gets the request
                    continue
                except BaseException:
                    self._end(environment)
                    raise
                self._put_back(environment)
                return outcome

    async def prepare(self) -> None:
        """Start an environment for the first request, and take its snapshot.

        :raises LocalLambdaError: If its init fails.
        """
        self._put_back(await self._start_one())

    async def close(self) -> None:
        """End every environment; running requests get an error."""
        self._closed = True
        for environment in tuple(self._all):
            self._end(environment)
        for _ in range(self._settings.concurrency):
            await self._places.acquire()  # returns when no request is running
        while self._ending:
            await asyncio.wait(self._ending)

    @contextlib.asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Wait for one of the ``max_concurrency`` places."""
        if self._closed:
            raise PoolClosed
        if self._places.locked():
            if self._settings.reserved_concurrency is not None:
                raise TooManyRequests(reserved=True)
            if self._waiting >= self._settings.queue_limit:
                raise TooManyRequests
        self._waiting += 1
        try:
            async with asyncio.timeout(self._settings.queue_timeout_s):
                await self._places.acquire()
        except TimeoutError as exc:
            raise TooManyRequests from exc
        finally:
            self._waiting -= 1
        try:
            if self._closed:
                raise PoolClosed
            yield
        finally:
            self._places.release()

    async def _take(self) -> Environment:
        while self._idle:
            environment, timer = self._idle.popitem()
            timer.cancel()
            if environment.usable:
                return environment
            self._end(environment)
        return await self._start_one()

    async def _start_one(self) -> Environment:
        environment = await self._start()
        environment.on_exit = self._on_exit
        self._all.add(environment)
        if self._closed:
            self._end(environment)
        elif self._settings.snap_start:
            try:
                await environment.take_snapshot()
            except BaseException:
                self._end(environment)
                raise
        return environment

    def _put_back(self, environment: Environment) -> None:
        if self._closed or not environment.usable:
            self._end(environment)
            return
        loop = asyncio.get_running_loop()
        self._idle[environment] = loop.call_later(self._settings.idle_timeout_s, self._end, environment)

    def _on_exit(self, environment: Environment) -> None:
        """End an idle environment whose process has ended, which nothing else would notice."""
        if environment in self._idle:
            self._end(environment)

    def _end(self, environment: Environment) -> None:
        """End an environment in the background; repeated calls have no effect."""
        timer = self._idle.pop(environment, None)
        if timer is not None:
            timer.cancel()
        if environment in self._all:
            self._all.remove(environment)
            task = asyncio.create_task(environment.close())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
