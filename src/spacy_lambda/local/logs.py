"""What an environment prints: split into lines, handed on, and kept for the log tail."""

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
"""Takes the number of an environment and one line of its log, without the line's end."""


def without_empty_stacks(lines: Sequence[str]) -> list[str]:
    """Lines of a log, without the heading of a stack that awslambdaric writes above no stack at all."""
    following = (*lines[1:], "")
    return [line for line, after in zip(lines, following, strict=False) if line.strip() != STACK or after[:1].isspace()]


class LogPipe:
    """The pipe that an environment's output goes into, read without a thread.

    :meth:`drain` reads everything that was written so far at once, so that what a function printed before it
    answered is in the log of its invocation for certain.

    :param number: The environment's number, handed on with each line.
    :param sink: Takes each line.
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
        """Add a line of our own, such as START, after all that the environment has printed."""
        self.drain()
        self._end_line()
        self._take(line.encode() + b"\n")

    def drain(self) -> None:
        """Take in what is in the pipe now."""
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
            self._take(chunk)

    def take_tail(self) -> bytes:
        """The last 4 KB since the last call."""
        tail = bytes(self._tail)
        self._tail.clear()
        return tail

    def close_write_end(self) -> None:
        """Leave the writing end to the process that was started with it."""
        if self.write_fd >= 0:
            os.close(self.write_fd)
            self.write_fd = -1

    def close(self) -> None:
        """Take in the rest and let the pipe go."""
        self.close_write_end()
        self.drain()
        self._stop_reading()
        self._end_line()

    def _take(self, chunk: bytes) -> None:
        self._tail += chunk.replace(b"\r", b"\n")  # awslambdaric joins the lines of a traceback with \r
        del self._tail[:-LOG_TAIL_BYTES]
        self._line += chunk
        *lines, self._line = self._line.split(b"\n")
        for line in lines:
            self._hand_on(line)
        if len(self._line) > _LONGEST_LINE_BYTES:
            self._end_line()

    def _end_line(self) -> None:
        if self._line:
            line, self._line = self._line, bytearray()
            self._hand_on(line)

    def _hand_on(self, line: bytearray) -> None:
        for part in without_empty_stacks(line.decode("utf-8", "replace").splitlines()) or [""]:
            self._sink(self._number, part)

    def _stop_reading(self) -> None:
        if self._read_fd >= 0:
            self._loop.remove_reader(self._read_fd)
            os.close(self._read_fd)
            self._read_fd = -1
