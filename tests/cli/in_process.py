"""The command line in this process: the same output and exit codes, without the start of Python and of spaCy."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import pytest
from typer.testing import CliRunner

from spacy_lambda import cli
from spacy_lambda.errors import SpacyLambdaError

__all__ = ["run_command", "run_main"]

HANGING_S = 120
"""Seconds after which a command counts as hanging."""


class HangingError(BaseException):
    """The command has not ended in time; only the boundary catches it, as a bug."""


def _raise_hanging(number: int, frame: FrameType | None) -> None:
    raise HangingError


def run_main(*words: str, cwd: Path | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command line to its end, with streams that are not a terminal.

    :param cwd: The current folder meanwhile.
    """
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["spacy-lambda", *words])
        for name, stream in (("stdin", given), ("stdout", out), ("stderr", err)):
            patch.setattr(sys, name, stream)
        if cwd is not None:
            patch.chdir(cwd)
        before = signal.signal(signal.SIGALRM, _raise_hanging)
        signal.alarm(HANGING_S)
        try:
            with pytest.raises(SystemExit) as ended:
                cli.main()
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
    code = ended.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(words, code, _written(out), _written(err))


def run_command(*arguments: str) -> SpacyLambdaError | str:
    """Run a command; return its output, or the error that it raised."""
    done = CliRunner().invoke(cli.make_app(), arguments)
    if isinstance(done.exception, SpacyLambdaError):
        return done.exception
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.output


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()
