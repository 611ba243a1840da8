"""One operating system process and its descendants: started, watched, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import select
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from spacy_lambda.errors import LocalLambdaError

_GRACE_S = 2.0
_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


class ProcessTree:
    """A running process and its descendants; created by :meth:`start`.

    The process has a separate parent, :mod:`~spacy_lambda.local.supervisor`, which ends the rest of the tree when the
    process ends, on request, and when this program has ended.

    :param supervisor: The parent, which has reported that the process runs.
    :param pid: The process.
    """

    def __init__(self, supervisor: asyncio.subprocess.Process, pid: int) -> None:
        self._supervisor = supervisor
        self.pid = pid
        self._pidfd = _open_pidfd(pid)
        self.exited: asyncio.Task[int] = asyncio.create_task(self._wait())

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        output_fd: int,
        options: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
    ) -> ProcessTree:
        """Start a command in a new session.

        :param output_fd: The file descriptor for the command's standard output and error.
        :param options: The supervisor's options, which limit the command.
        :param pass_fds: The file descriptors of these.
        :raises LocalLambdaError: If the system refuses.
        """
        try:
            supervisor = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-I",
                    "-S",
                    str(_SUPERVISOR),
                    f"log={output_fd}",
                    f"locale={env.get('LC_CTYPE', '')}",
                ),
                *(*options, "--", *command),
                env=env,
                cwd=cwd,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=output_fd,
                pass_fds=(output_fd, *pass_fds),
                start_new_session=True,
            )
        except (OSError, ValueError) as exc:
            raise _not_started(str(exc)) from exc
        assert supervisor.stdout is not None
        word, _, value = (await supervisor.stdout.readline()).decode("utf-8", "replace").strip().partition(" ")
        if word != "pid":
            await supervisor.wait()
            raise _not_started(value or "its parent process has ended")
        return cls(supervisor, int(value))

    @property
    def supervisor_pid(self) -> int:
        """The process whose descendants are this tree, including those that have left their own parents."""
        return self._supervisor.pid

    @property
    def alive(self) -> bool:
        """True if the process runs, according to the system: the event loop is informed later."""
        if self.exited.done():
            return False
        if self._pidfd is None:
            return sys.platform != "linux"
        readable, _, _ = select.select([self._pidfd], [], [], 0)
        return not readable

    def open_namespaces(self) -> list[int]:
        """Open the namespaces of the process that are not this program's; none if it has ended."""
        found = list[int]()
        for name in ("user", "mnt"):
            with contextlib.suppress(OSError):
                path = f"/proc/{self.pid}/ns/{name}"
                if os.readlink(path) != os.readlink(f"/proc/self/ns/{name}"):
                    found.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        return found

    def peak_memory_mb(self) -> int | None:
        """Return the peak resident memory so far, rounded up; ``None`` without a ``/proc`` or a process."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        match = _PEAK.search(status)
        return -(-int(match[1]) // 1024) if match else None

    async def kill(self) -> int:
        """End the tree at once.

        :returns: The exit status.
        """
        assert self._supervisor.stdin is not None
        if self._order(b"K"):
            self._supervisor.stdin.close()
        return await asyncio.shield(self.exited)

    async def end(self) -> int:
        """Ask the process and its group to end, and kill the rest of the tree after two seconds.

        :returns: The exit status.
        """
        if self._order(b"T"):
            await asyncio.wait({self.exited}, timeout=_GRACE_S)
        return await self.kill()

    def _order(self, word: bytes) -> bool:
        """Send the supervisor a word, even if the function has stopped it.

        :returns: ``False`` if it has already got the last one.
        """
        assert self._supervisor.stdin is not None
        if self._supervisor.stdin.is_closing():
            return False
        with contextlib.suppress(ProcessLookupError):
            self._supervisor.send_signal(signal.SIGCONT)
        self._supervisor.stdin.write(word)
        return True

    async def _wait(self) -> int:
        assert self._supervisor.stdout is not None
        with contextlib.suppress(ValueError):  # of a line that is too long
            async for line in self._supervisor.stdout:
                word, _, value = line.decode("utf-8", "replace").strip().partition(" ")
                if word == "exit":
                    return await self._concluded(int(value))
        return await self._concluded(-signal.SIGKILL)

    async def _concluded(self, status: int) -> int:
        await self._supervisor.wait()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        return status


def _open_pidfd(pid: int) -> int | None:
    """Return a descriptor that shows the end of a process; ``None`` if unsupported, or if it has ended."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _not_started(reason: str) -> LocalLambdaError:
    return LocalLambdaError(
        f"cannot start an execution environment: {reason}",
        remedy="end other programs, or lower --max-concurrency",
    )
