"""One operating system process with a process group of its own: started, watched, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from spacy_lambda.errors import LocalLambdaError

_GRACE_S = 2.0
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


class ProcessGroup:
    """A running process and everything that it starts.

    :param process: The leader of its own session.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid
        self.exited: asyncio.Task[int] = asyncio.create_task(self._wait())

    @classmethod
    async def start(cls, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, output_fd: int) -> ProcessGroup:
        """Start a command in a new session.

        :param output_fd: Takes what the command writes to its standard output and error.
        :raises LocalLambdaError: If the system refuses.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=env,
                cwd=cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output_fd,
                stderr=output_fd,
                start_new_session=True,
            )
        except OSError as exc:
            raise LocalLambdaError(
                f"cannot start an execution environment: {exc}",
                remedy="end other programs, or lower --max-concurrency",
            ) from exc
        return cls(process)

    @property
    def alive(self) -> bool:
        """Whether the process runs: asked of the system, which knows before the event loop does."""
        if self.exited.done():
            return False
        if not hasattr(os, "waitid"):
            return True
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:
            return False

    def peak_memory_mb(self) -> int | None:
        """Peak resident memory so far, rounded up; ``None`` without a ``/proc`` or a process."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        match = _PEAK.search(status)
        return -(-int(match[1]) // 1024) if match else None

    async def kill(self) -> int:
        """End the group at once.

        :returns: The exit status.
        """
        self._signal(signal.SIGKILL)
        return await asyncio.shield(self.exited)

    async def end(self) -> int:
        """Ask the group to end, and kill what is left of it after two seconds.

        :returns: The exit status.
        """
        self._signal(signal.SIGTERM)
        await asyncio.wait({self.exited}, timeout=_GRACE_S)
        return await self.kill()

    async def _wait(self) -> int:
        returncode = await self._process.wait()
        self._sweep()
        return returncode

    def _signal(self, number: signal.Signals) -> None:
        if not self.exited.done():
            self._send(number)

    def _sweep(self) -> None:
        """Kill what the process has left behind in its group."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
