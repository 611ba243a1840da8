"""A command on a separate terminal, as a person has one."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["Terminal"]

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

OWN = (
    "import fcntl, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
)
"""Makes the terminal that of the process, whose Ctrl-C is a signal then, also where it was ignored."""


class Terminal:
    """Python code, with a pseudo-terminal as its standard input, output and error.

    :param code: The code.
    :param stdout: The descriptor of standard output, if it is not the terminal.
    """

    def __init__(self, code: str, *arguments: str, cwd: Path, stdout: int | None = None) -> None:
        self._master, slave = pty.openpty()
        environ = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWN + code, *arguments],
            cwd=cwd,
            env=environ,
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.written = ""

    def wait_for(self, text: str, *, seconds: float = 60) -> str:
        """All that was written until this was."""
        deadline = time.monotonic() + seconds
        while text not in self.written:
            assert time.monotonic() < deadline, self.written
            self._read(deadline - time.monotonic())
        return self.written

    def stays(self, seconds: float) -> str:
        """Return the output of some time in which a live bar would be drawn again."""
        before, deadline = len(self.written), time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._read(deadline - time.monotonic())
        return self.written[before:]

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Wait for the end; the exit code."""
        while self._read(60):
            pass
        os.close(self._master)
        return self.process.wait(60)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(seconds, 0))
        try:
            chunk = os.read(self._master, 65536) if ready else b""
        except OSError:  # Linux's word for the end of a terminal
            return False
        self.written += chunk.decode("utf-8", "replace")
        return bool(chunk)


def visible(written: str) -> str:
    """Return the text that stays on the screen after lines were drawn over, as rich's bars do that."""
    lines: list[str] = [""]
    for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|\r\n|\n|\r)", written):
        if part in ("\r\n", "\n"):
            lines.append("")
        elif part in {"\r", "\x1b[2K"}:
            lines[-1] = ""
        elif re.fullmatch(r"\x1b\[\d*A", part):
            lines = lines[:-1] if len(lines) > 1 else lines
        elif not ESCAPES.fullmatch(part):
            lines[-1] += part
    return "\n".join(lines)
