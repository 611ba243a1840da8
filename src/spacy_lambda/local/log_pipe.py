"""The output of an environment: split into lines, passed on, and kept for the log tail."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence

from spacy_lambda.core.lambda_limits import LOG_TAIL_BYTES

_CHUNK_BYTES = 65_536
_CHUNKS_PER_TURN = 16
_LONGEST_LINE_BYTES = 262_144

STACK = "Traceback (most recent call last):"

LogSink = Callable[[int, str], None]
"""Receives the number of an environment and one line of its log, without the line break."""


def without_empty_stacks(lines: Sequence[str]) -> list[str]:
    """Remove the stack trace headings that awslambdaric logs without a stack trace."""
    following = (*lines[1:], "")
    return [line for line, after in zip(lines, following, strict=False) if line.strip() != STACK or after[:1].isspace()]


class LogPipe:
    """The pipe of an environment's output, read without a thread.

    :meth:`drain` reads everything that was written so far, so that the output of a function before its response is
    always in the log of its invocation.

    :param number: The environment's number, passed on with each line.
    :param sink: Receives each line.
    """

    def __init__(self, number: int, sink: LogSink) -> None:
        self._number = number
        self._sink = sink
        self._line = bytearray()
        self._tail = bytearray()
        self._read_fd, self.write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._read_fd, self.drain)

    def write(self, line: str) -> None:
        """Add a line of Lambda's own, such as START, after the environment's output so far."""
        self.drain()
        self._end_line()
        self._append(line.encode() + b"\n")

    def drain(self) -> None:
        """Read everything that is in the pipe."""
        for _ in range(_CHUNKS_PER_TURN):
            if self._read_fd < 0:
                return
            try:
                chunk = os.read(self._read_fd, _CHUNK_BYTES)
            except BlockingIOError:
                return
            if not chunk:
                self._stop_reading()
                return
            self._append(chunk)

    def take_tail(self) -> bytes:
        """Return the last 4 KB since the previous call."""
        tail = bytes(self._tail)
        self._tail.clear()
        return tail

    def close_write_end(self) -> None:
        """Close this process's copy of the write end."""
        if self.write_fd >= 0:
            os.close(self.write_fd)
            self.write_fd = -1

    def close(self) -> None:
        """Read the rest, and close the pipe."""
        self.close_write_end()
        self.drain()
        self._stop_reading()
        self._end_line()

    def _append(self, chunk: bytes) -> None:
        self._tail += chunk.replace(b"\r", b"\n")  # awslambdaric joins the lines of a traceback with \r
        del self._tail[:-LOG_TAIL_BYTES]
        self._line += chunk
        *lines, self._line = self._line.split(b"\n")
        for line in lines:
            self._emit(line)
        if len(self._line) > _LONGEST_LINE_BYTES:
            self._end_line()

    def _end_line(self) -> None:
        if self._line:
            line, self._line = self._line, bytearray()
            self._emit(line)

    def _emit(self, line: bytearray) -> None:
        for part in without_empty_stacks(line.decode("utf-8", "replace").splitlines()) or [""]:
            self._sink(self._number, part)

    def _stop_reading(self) -> None:
        if self._read_fd >= 0:
            self._loop.remove_reader(self._read_fd)
            os.close(self._read_fd)
            self._read_fd = -1
