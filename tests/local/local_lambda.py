"""A local Lambda for tests, whose log can be waited for."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from spacy_lambda.local import FunctionSettings, LocalFunction, LocalLambda

COMMAND = (sys.executable, "-c", "from spacy_lambda.cli import main; main()")
CODE = Path(__file__).parent / "code"
DAEMONS = {"do": "leave_daemons", "depths": [0, 1, 2]}
"""An event whose invocation leaves processes behind."""


class Log:
    """The logged lines of environments, and a way to wait for one."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, number: int, line: str) -> None:
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()

    def wait_for(self, text: str) -> str:
        with self._changed:
            assert self._changed.wait_for(lambda: any(text in line for line in self.lines), 30), self.lines
            return next(line for line in self.lines if text in line)


class Lambda(LocalLambda):
    """A local Lambda that keeps its log and has a boto3 client."""

    def __init__(
        self,
        settings: FunctionSettings,
        *,
        compare: LocalFunction | None = None,
        host: str = "127.0.0.1",
        allow_hosts: Sequence[str] = (),
    ) -> None:
        self.log = Log()
        super().__init__(settings, compare=compare, host=host, allow_hosts=allow_hosts, log=self.log)
        self.client = boto3.client(
            "lambda",
            endpoint_url=self.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=200, read_timeout=120),
        )

    def close(self) -> None:
        self.client.close()
        super().close()


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, reaped or not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the second where it ends between opening and reading
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.02)


def settings(pipeline: Path, **changes: Any) -> FunctionSettings:
    defaults: dict[str, Any] = {"handler": "stub.handler", "code": CODE, "max_concurrency": 1}
    return FunctionSettings(pipeline=pipeline, **{**defaults, **changes})
