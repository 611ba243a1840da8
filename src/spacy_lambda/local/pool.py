"""The environments of one function: started when needed, one request each, ended when idle.

A request takes the environment that was used last; if none is free and there are fewer than the limit, a
new one is started; else the request waits its turn, first come first served. Lambda would answer 429 where
this queues: on one machine, waiting is what the caller wants.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from spacy_lambda.local.execution_environment import Environment
from spacy_lambda.local.messages import InvokeRequest, Outcome
from spacy_lambda.local.settings import FunctionSettings


class TooManyRequests(Exception):
    """The queue is full, or a request has waited in it for too long."""


class PoolClosed(Exception):
    """The server ends; no request is taken any more."""


class Pool:
    """Gives each request an environment.

    :param settings: The limits.
    :param start: Starts one environment.
    """

    def __init__(self, settings: FunctionSettings, start: Callable[[], Awaitable[Environment]]) -> None:
        self._settings = settings
        self._start = start
        self._places = asyncio.Semaphore(settings.max_concurrency)
        self._waiting = 0
        self._closed = False
        self._all: set[Environment] = set()
        self._idle: dict[Environment, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the environments that are there, sorted."""
        # Copied at once: other threads ask, and the event loop changes the set meanwhile.
        return tuple(sorted(environment.pid for environment in tuple(self._all)))

    async def invoke(self, request: InvokeRequest) -> Outcome:
        """Serve one request.

        :raises TooManyRequests: If it has to wait and cannot, or not any longer.
        :raises PoolClosed: If the server ends before its turn.
        :raises LocalLambdaError: If no environment can be started.
        """
        async with self._place():
            environment = await self._take()
            try:
                outcome = await environment.invoke(request)
            except BaseException:
                self._end(environment)
                raise
            self._put_back(environment)
            return outcome

    async def close(self) -> None:
        """End every environment; requests under way are answered with an error."""
        self._closed = True
        for environment in tuple(self._all):
            self._end(environment)
        for _ in range(self._settings.max_concurrency):
            await self._places.acquire()  # returns when every request under way has had its answer
        while self._ending:
            await asyncio.wait(self._ending)

    @contextlib.asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """One of the places that ``max_concurrency`` allows, when it is this request's turn."""
        if self._closed:
            raise PoolClosed
        if self._places.locked() and self._waiting >= self._settings.queue_limit:
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
        environment = await self._start()
        environment.on_exit = self._on_exit
        self._all.add(environment)
        if self._closed:
            self._end(environment)
        return environment

    def _put_back(self, environment: Environment) -> None:
        if self._closed or not environment.usable:
            self._end(environment)
            return
        loop = asyncio.get_running_loop()
        self._idle[environment] = loop.call_later(self._settings.idle_timeout_s, self._end, environment)

    def _on_exit(self, environment: Environment) -> None:
        """An environment's process has ended; if nobody was using it, nobody else would notice."""
        if environment in self._idle:
            self._end(environment)

    def _end(self, environment: Environment) -> None:
        """End an environment in the background, once."""
        timer = self._idle.pop(environment, None)
        if timer is not None:
            timer.cancel()
        if environment in self._all:
            self._all.remove(environment)
            task = asyncio.create_task(environment.close())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
