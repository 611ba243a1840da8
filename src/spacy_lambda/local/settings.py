"""A local function: its settings, and the program that its environments run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spacy_lambda.core.lambda_function import DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_S, HANDLER
from spacy_lambda.core.lambda_limits import (
    ENVIRONMENT_BYTES,
    INIT_LIMIT_S,
    MAX_EPHEMERAL_BYTES,
    MAX_MEMORY_MB,
    MAX_TIMEOUT_S,
    MIN_MEMORY_MB,
    NAME_CHARACTERS,
)
from spacy_lambda.core.loopback import LOCAL_REGION
from spacy_lambda.errors import LocalLambdaError

__all__ = [
    "DEFAULT_ENDPOINT",
    "DEFAULT_PORT",
    "DEFAULT_STORAGE_MB",
    "RUNTIME_FOLDER",
    "TASK_FOLDER",
    "Command",
    "FunctionSettings",
    "ImageLimits",
    "LocalFunction",
    "Program",
]

TASK_FOLDER = "/var/task"
RUNTIME_FOLDER = "/var/runtime"
"""The folders of a function's code and of Lambda's runtime client, in Lambda and in the sandbox."""

DEFAULT_PORT = 9001
DEFAULT_ENDPOINT = f"http://127.0.0.1:{DEFAULT_PORT}"
"""The endpoint of a local server."""

DEFAULT_STORAGE_MB, MAX_STORAGE_MB = 512, MAX_EPHEMERAL_BYTES >> 20

ACCOUNT = "012345678901"
VERSION = "$LATEST"

RETRY_AFTER_S = (60.0, 120.0)
"""Seconds that Lambda waits before its two retries
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html)."""

_VERSION = re.compile(r"\$LATEST|[0-9]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{NAME_CHARACTERS}}}")


@dataclass(frozen=True, kw_only=True)
class FunctionSettings:
    """One function as the local Lambda runs it.

    :param pipeline: A spaCy pipeline folder, the name of an installed pipeline package, or a location in a store.
    :param name: The function's name, as callers give it.
    :param version: The version that it reports, in its log and in its environment variables.
    :param handler: ``module.function``, as in Lambda's ``Handler`` setting.
    :param timeout_s: Seconds that one invocation may take; the environment is killed after that.
    :param memory_mb: Passed to the function and printed in the REPORT line. On Linux, a function that uses more is
        killed; pages of mapped files do not count.
    :param init_limit_s: Seconds that an init may take. One that fails or takes longer runs again in the first
        invocation, within the timeout, as in Lambda.
    :param limits: Limit the memory, the CPUs, the time of an init and the environment variables, and make the file
        system read-only.
    :param storage_mb: The size of ``/tmp``, Lambda's ephemeral storage.
    :param mounts: Folders that the function can write, as those of a mounted EFS.
    :param max_concurrency: Maximum environments; each serves one request at a time.
    :param reserved_concurrency: Maximum environments, as Lambda's setting: a request that finds all of them busy gets a
        429 at once. By default it waits, as Lambda would start another environment.
    :param snap_start: Run the init before the first request, with the hooks of SnapStart.
    :param idle_timeout_s: Seconds after which an environment without work is ended.
    :param queue_limit: Requests that may wait for an environment; further ones get a 429.
    :param queue_timeout_s: Seconds that a request may wait for an environment, before it gets a 429.
    :param retry_after_s: Seconds before each further attempt at an asynchronous invocation that has failed.
    :param on_failure: The folder for a record of each that fails every time, as Lambda sends it to a destination.
    :param code: A folder with the handler's code, added to the installed packages.
    :param environment: Environment variables of the function.
    :param keep_task_root: Keep the temporary task root.
    :raises LocalLambdaError: If values are outside Lambda's limits; lists all of them.
    """

    pipeline: str | Path
    name: str = "function"
    version: str = VERSION
    handler: str = HANDLER
    timeout_s: float = DEFAULT_TIMEOUT_S
    memory_mb: int = DEFAULT_MEMORY_MB
    init_limit_s: float = INIT_LIMIT_S
    limits: bool = True
    storage_mb: int = DEFAULT_STORAGE_MB
    mounts: tuple[Path, ...] = ()
    max_concurrency: int = field(default_factory=lambda: os.cpu_count() or 1)
    reserved_concurrency: int | None = None
    snap_start: bool = False
    idle_timeout_s: float = 600.0
    queue_limit: int = 1000
    queue_timeout_s: float = 300.0
    retry_after_s: tuple[float, ...] = RETRY_AFTER_S
    on_failure: Path | None = None
    code: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    keep_task_root: bool = False

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise LocalLambdaError(
                "the function's settings are outside Lambda's limits:\n"
                + "\n".join(f"  - {problem}" for problem in problems),
                remedy="change these settings",
            )

    @property
    def concurrency(self) -> int:
        """The maximum environments."""
        return self.max_concurrency if self.reserved_concurrency is None else self.reserved_concurrency

    @property
    def arn(self) -> str:
        """The function's ARN, in an account that does not exist."""
        return f"arn:aws:lambda:{LOCAL_REGION}:{ACCOUNT}:function:{self.name}"


Command = Callable[[Collection[str]], Sequence[str]]
"""Takes the names of the environment variables; returns the words before the handler."""


@dataclass(frozen=True, kw_only=True)
class ImageLimits:
    """The limits of an image's processes.

    :param command: The command that has them.
    :param missing: For each limit of Lambda that is not enforced, one line.
    :param contained: The engine limits memory and CPUs of its containers, which are not this program's descendants.
    """

    command: Command
    missing: tuple[str, ...] = ()
    contained: bool = False


@dataclass(frozen=True, kw_only=True)
class Program:
    """The program of an execution environment: AWS's runtime client with the function's code.

    :param command: The command, without limits for an image.
    :param folder: The working directory of the process.
    :param task_root: The folder with the function's code, as the process sees it.
    :param runtime_dir: The folder with AWS's runtime client, as the process sees it.
    :param python: Its Python: ``3.13``.
    :param about: One line for people.
    :param variables: Environment variables; the function's own override them.
    :param fixed: Environment variables that nothing overrides.
    :param mounts: Where its own folders are in Lambda, for a program with folders of this machine; an image has none.
    :param reads: Other folders that it reads.
    :param limits: The limits of an image, by the function's settings.
    """

    command: Command
    folder: Path
    task_root: Path
    runtime_dir: Path
    python: str
    about: str
    variables: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[Path, str] = field(default_factory=dict)
    reads: tuple[Path, ...] = ()
    limits: Callable[[FunctionSettings], ImageLimits] | None = None


@dataclass(frozen=True)
class LocalFunction:
    """A function to serve.

    :param settings: Its settings.
    :param program: The program that its environments run; by default the installed packages that the pipeline needs.
    """

    settings: FunctionSettings
    program: Program | None = None


def _problems(settings: FunctionSettings) -> list[str]:
    low, high = MIN_MEMORY_MB, MAX_MEMORY_MB
    variables = sum(len(os.fsencode(name + value)) for name, value in settings.environment.items())
    checks = [
        (
            _NAME.fullmatch(settings.name),
            f"name {settings.name!r}: 1 to 64 letters, digits, '-' or '_' are required",
        ),
        (_VERSION.fullmatch(settings.version), f"version {settings.version!r}: a number or $LATEST is required"),
        *(
            (
                _VARIABLE.fullmatch(name) and "\0" not in value,
                f"environment variable {name!r}: letters, digits and '_', and a value without NUL are required",
            )
            for name, value in settings.environment.items()
        ),
        (
            not settings.limits or variables <= ENVIRONMENT_BYTES,
            f"environment variables of {variables:,} bytes: at most {ENVIRONMENT_BYTES:,} are possible",
        ),
        ("." in settings.handler, f"handler {settings.handler!r}: 'module.function' is required"),
        (
            0 < settings.timeout_s <= MAX_TIMEOUT_S,
            f"timeout {settings.timeout_s} s: more than 0 and at most {MAX_TIMEOUT_S} s is required",
        ),
        (low <= settings.memory_mb <= high, f"memory {settings.memory_mb} MB: {low} to {high} MB is required"),
        (
            DEFAULT_STORAGE_MB <= settings.storage_mb <= MAX_STORAGE_MB,
            f"ephemeral storage {settings.storage_mb} MB: {DEFAULT_STORAGE_MB} to {MAX_STORAGE_MB} MB is required",
        ),
        *((mount.is_dir(), f"mount {str(mount)!r}: this folder does not exist") for mount in settings.mounts),
        (
            settings.max_concurrency >= 1,
            f"max concurrency {settings.max_concurrency}: at least 1 is required",
        ),
        (
            settings.reserved_concurrency is None or settings.reserved_concurrency >= 0,
            f"reserved concurrency {settings.reserved_concurrency}: at least 0 is required",
        ),
        (
            not settings.snap_start or settings.storage_mb <= DEFAULT_STORAGE_MB,
            f"SnapStart with {settings.storage_mb} MB of ephemeral storage: at most {DEFAULT_STORAGE_MB} is possible",
        ),
        (settings.idle_timeout_s > 0, f"idle timeout {settings.idle_timeout_s} s: more than 0 is required"),
        (
            settings.code is None or settings.code.is_dir(),
            f"code {str(settings.code)!r}: this folder does not exist",
        ),
    ]
    return [text for passed, text in checks if not passed]
