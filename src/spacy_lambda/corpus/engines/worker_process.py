"""A worker process, seen from the engine: started, given documents, ended, started again."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from spacy_lambda.core.annotation import AnnotateOptions, Counts
from spacy_lambda.core.env_names import CPUS_VARIABLE
from spacy_lambda.corpus.engines.messages import receive, send
from spacy_lambda.corpus.engines.protocol import ShardResult
from spacy_lambda.errors import CorpusError

__all__ = ["ONE_CPU", "WorkerEndedError", "WorkerProcess"]

ONE_CPU = dict.fromkeys(
    (CPUS_VARIABLE, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1"
)
"""Variables that give a process one thread."""

COMMAND = (sys.executable, "-P", "-m", "spacy_lambda.corpus.engines.worker")
"""Without the current folder on the path, whose files may have the names of modules, such as ``queue.py``."""

EXIT_CHECK_MS = 200
"""Milliseconds between checks that a process that sends nothing is alive; usually the end of its output shows it."""

EXIT_S = 5.0
"""Seconds in which a process that has closed its output must end."""


class WorkerEndedError(CorpusError):
    """A worker process ended while it annotated documents.

    :param status: As of :mod:`subprocess`: negative for a signal; ``None`` if unknown.
    """

    def __init__(self, status: int | None = None) -> None:
        self.ending = "ended" if status is None else f"ended {ending(status)}"
        super().__init__(
            f"the worker process {self.ending} while annotating this document",
            remedy="if memory ran out, pass fewer --workers, or shorten the document; --force annotates all again"
            if status == -signal.SIGKILL
            else "remove or change it, or correct the component that ends the process",
        )


class WorkerProcess:
    """A worker process, started when it is first used, and again after it has ended.

    It leads a session of its own, so that Ctrl-C does not reach it, and that its children end with it.

    :param pipeline: The folder of a compiled pipeline.
    :param options: Options of annotating.
    :param on_ready: Called when the pipeline is loaded.
    """

    def __init__(self, pipeline: Path, options: AnnotateOptions, on_ready: Callable[[], None] = lambda: None) -> None:
        self._settings = {"pipeline": os.fspath(pipeline), "options": options.to_dict()}
        self._on_ready = on_ready
        self._process: subprocess.Popen[bytes] | None = None
        self._input: BinaryIO
        self._output: BinaryIO
        self._killed = False

    def annotate(self, name: str, lines: bytes) -> ShardResult:
        """Annotate documents of a shard.

        :raises WorkerEndedError: If the process ends.
        :raises CorpusError: If it cannot load the pipeline.
        """
        if self._process is None:
            self._start()
        with suppress(BrokenPipeError):  # it has ended
            send(self._input, {"name": name}, lines)
        message = receive(self._output)
        if message is None:
            raise WorkerEndedError(self._end())
        header, contents = message
        if header["kind"] == "error":
            raise CorpusError(header["message"], remedy=header["remedy"])
        return ShardResult(name, contents[0], contents[1], Counts.from_dict(header["counts"]), header["seconds"])

    def _start(self) -> None:
        if self._killed:
            raise CorpusError("the run was stopped", remedy="the same command resumes it")
        process = subprocess.Popen(
            COMMAND,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_CPU},
            start_new_session=True,
        )
        self._input = cast(BinaryIO, io.BufferedWriter(_Pipe(process, process.stdin)))
        self._output = cast(BinaryIO, io.BufferedReader(_Pipe(process, process.stdout)))
        self._process = process
        if self._killed:
            _kill(process)
        with suppress(BrokenPipeError):
            send(self._input, self._settings)
        message = receive(self._output)
        if message is None:
            raise _not_started(self._end())
        header, _ = message
        if header["kind"] == "error":
            raise CorpusError(header["message"], remedy=header["remedy"])
        self._on_ready()

    def _end(self) -> int:
        """Return the exit status of a process that has closed its output; its children end, too."""
        process = self._process
        assert process is not None
        with suppress(subprocess.TimeoutExpired):
            process.wait(EXIT_S)
        _kill(process)
        for pipe in (self._input, self._output):
            with suppress(OSError):
                pipe.close()
        self._process = None
        return process.wait()

    def close(self) -> None:
        """End the process, in the thread that uses it."""
        self._killed = True
        if self._process is not None:
            _kill(self._process)
            self._end()

    def kill(self) -> None:
        """End the process at once, from any thread; it is not started again."""
        self._killed = True
        process = self._process
        if process is not None:
            _kill(process)


class _Pipe(io.RawIOBase):
    """A pipe to or from a process; it ends with the process, though a child of that may hold the other end."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: Any) -> None:
        self._process = process
        self._pipe: io.FileIO = pipe
        os.set_blocking(pipe.fileno(), False)

    def readable(self) -> bool:
        return self._pipe.readable()

    def writable(self) -> bool:
        return self._pipe.writable()

    def readinto(self, buffer: Any) -> int:
        return self._pipe.readinto(buffer) or 0 if self._is_ready(select.POLLIN) else 0

    def write(self, data: Any) -> int:
        if not self._is_ready(select.POLLOUT):
            raise BrokenPipeError
        return self._pipe.write(data) or 0

    def close(self) -> None:
        self._pipe.close()
        super().close()

    def _is_ready(self, event: int) -> bool:
        """Wait until the pipe is ready, or the process has ended and it never will be."""
        ready = select.poll()
        ready.register(self._pipe.fileno(), event)
        while not ready.poll(EXIT_CHECK_MS):
            if self._process.poll() is not None:
                return bool(ready.poll(0))
        return True


def ending(status: int) -> str:
    """Return a phrase for the end of a process."""
    if status >= 0:
        return f"with exit status {status}"
    try:
        return f"by signal {-status} ({signal.Signals(-status).name})"
    except ValueError:
        return f"by signal {-status}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the session of a process, even if it has ended itself."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _not_started(status: int) -> CorpusError:
    return CorpusError(
        f"a worker process ended {ending(status)} while loading the pipeline",
        remedy="if memory ran out, pass fewer --workers; otherwise the reason is above",
    )
