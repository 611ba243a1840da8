"""Invocations that break functions, what the service gives for each, and what must not stay of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_lambda.local import FunctionSettings, Invocation, LocalLambda

CODE = Path(__file__).parent / "code"
MEMORY_MB = 512

Check = Callable[[Invocation], bool]


def _is_error(error_type: str, message: str) -> Check:
    def check(result: Invocation) -> bool:
        error = result.error
        return error is not None and error.error_type == error_type and message in error.message

    return check


FAULTS: dict[str, Check] = {
    "eat_memory": _is_error("Runtime.ExitError", "signal: killed"),
    "large_response": _is_error("Function.ResponseSizeTooLarge", "7340034 bytes"),
    "write_to_root": _is_error("OSError", "[Errno 30] Read-only file system: '/x'"),
    "long_message": _is_error("ValueError", "x" * 100_000),
    "endless_message": _is_error("Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size"),
    "open_files": lambda result: result.answer is not None and 900 < result.answer < 1024,
    "fork": lambda result: result.error is None and isinstance(result.answer, int),
    "leave": _is_error("Runtime.ExitError", "exit status 1"),
    "print_much": lambda result: result.error is None and len(result.log_tail) == 4096,
    "slow_init": _is_error("Sandbox.Timedout", "Task timed out after 0.30 seconds"),
}
"""The checks of the results, by the fault."""


@dataclass(frozen=True)
class Remains:
    """What this process has and has made.

    :param files: Open files.
    :param processes: Descendants.
    :param folders: Temporary folders and cgroups.
    """

    files: int
    processes: int
    folders: int

    @classmethod
    def now(cls) -> Remains:
        cgroups = [path for kind in ("cpu", "") for path in Path("/sys/fs/cgroup", kind).glob("spacy-lambda-*")]
        folders = [*Path(tempfile.gettempdir()).glob("spacy-lambda-*"), *cgroups]
        return cls(len(os.listdir("/proc/self/fd")), len(descendants(os.getpid())), len(folders))


def descendants(pid: int) -> set[int]:
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path(f"/proc/{name}/stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(name))
    found, waiting = set[int](), [pid]
    while waiting:
        below = parents.get(waiting.pop(), [])
        found.update(below)
        waiting += below
    return found


@contextmanager
def faulty_function(pipeline: Path) -> Iterator[tuple[Callable[[str], Invocation], list[str]]]:
    """Serve the function, and another whose init is too slow.

    Yield a way to invoke them by the fault, and the faults that this system shows.
    """
    common: dict[str, Any] = {"pipeline": pipeline, "code": CODE, "memory_mb": MEMORY_MB}
    quiet: Callable[[int, str], None] = lambda number, line: None  # noqa: E731
    one = FunctionSettings(**common, handler="faults.handler", max_concurrency=1, timeout_s=60)
    slow = FunctionSettings(**common, handler="slow.handler", max_concurrency=1, timeout_s=0.3, init_limit_s=0.3)
    with LocalLambda(one, log=quiet) as function, LocalLambda(slow, log=quiet) as other:
        writable = any("file system" in line for line in function.function.missing_limits)
        faults = [fault for fault in FAULTS if not (writable and fault == "write_to_root")]
        yield lambda fault: other.invoke({}) if fault == "slow_init" else function.invoke({"do": fault}), faults
