"""The log of a rehearsal's functions, which outlives an emulator that ends with an error."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy_lambda.errors import DeployError, SpacyLambdaError
from spacy_lambda.rehearsal.deployed_code import DeployedCode, OnLog

__all__ = ["RehearsalLog"]

LINES = 10_000
COMMAND = "`spacy-lambda logs`"


class RehearsalLog:
    """Log lines of functions: passed on, and the last of them held.

    :param path: The file that they are written to after a failure.
    :param pass_on: Takes each line.
    """

    def __init__(self, path: Path, pass_on: OnLog) -> None:
        self._path = path
        self._pass_on = pass_on
        self._lines: deque[str] = deque(maxlen=LINES)

    def add(self, code: DeployedCode, number: int, line: str) -> None:
        """Take one line of an execution environment."""
        self._lines.append(f"{code.function} [{code.version}] {line}")
        self._pass_on(code, number, line)

    @contextmanager
    def kept_on_failure(self) -> Iterator[None]:
        """Write the lines to the file if an error refers to the log: the emulator, which has it, ends."""
        try:
            yield
        except SpacyLambdaError as exc:
            if COMMAND not in exc.remedy or not self._is_written():
                raise
            raise DeployError(exc.message, remedy=exc.remedy.replace(COMMAND, str(self._path))) from exc

    def _is_written(self) -> bool:
        try:
            self._path.write_text("".join(f"{line}\n" for line in tuple(self._lines)), encoding="utf-8")
        except OSError:
            return False
        return True
