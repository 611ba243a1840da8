"""What ``spacy-lambda.toml`` says, complete and checked: every stage of the deployment starts from these values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from spacy_lambda.core.lambda_function import (
    DEFAULT_ARCHITECTURE,
    DEFAULT_MEMORY_MB,
    DEFAULT_PYTHON,
    DEFAULT_TIMEOUT_S,
    Architecture,
    Python,
)

__all__ = ["PUBLIC_CONCURRENCY", "Auth", "Canary", "Concurrency", "FunctionConfig", "Project", "Shape"]

Shape = Literal["auto", "zip", "image", "image-efs"]
Auth = Literal["iam", "none"]
Concurrency = int | Literal["unlimited"]
Canary = Literal["all-at-once", "10percent-5minutes", "10percent-15minutes", "linear-10percent-1minute"]

PUBLIC_CONCURRENCY = 10
"""Environments at most of a function that everybody may call, where the file does not say how many: what a stranger can
cost is so many of them, busy all the time."""


@dataclass(frozen=True, kw_only=True)
class FunctionConfig:
    """One function.

    :param name: Its name in the project.
    :param pipeline: Location of the compiled pipeline; a relative folder starts at the file's.
    :param signed_by: Public key of who must have signed the pipeline; ``None`` takes it unsigned too.
    :param shape: How the code reaches Lambda; ``auto`` takes a zip where it fits, else an image.
    :param memory: MB; 1,769 MB are one CPU.
    :param timeout: Seconds.
    :param architecture: As Lambda calls it.
    :param python: Version of Lambda's Python.
    :param concurrency: Environments reserved for it, and at most; ``unlimited`` shares the account's. ``None`` does
        so too, but for a function that everybody may call: that has :data:`PUBLIC_CONCURRENCY`.
    :param snapstart: Whether versions are published with a snapshot of their init.
    :param auth: Who may call the Function URL: ``iam`` whoever has the permission, ``none`` everybody.
    :param cors: Origins whose pages may call the Function URL.
    :param page: Whether the Function URL has the page.
    :param metrics: Whether the function tells metrics.
    :param tracing: Whether X-Ray traces it.
    :param alarm_email: Who is told of alarms, after confirming Amazon's first mail.
    :param budget: US dollars a month, above which a mail is sent.
    :param log_retention: Days.
    :param golden: ``.jsonl`` of requests whose answers a new version must give before it goes live; ``None`` for
        those that come with spacy-lambda.
    :param canary: How traffic moves to a new version.
    :param keep_versions: Published versions that stay, the live one among them.
    :param environment: Environment variables of the function's own.
    """

    name: str
    pipeline: str
    signed_by: Path | None = None
    shape: Shape = "auto"
    memory: int = DEFAULT_MEMORY_MB
    timeout: int = DEFAULT_TIMEOUT_S
    architecture: Architecture = DEFAULT_ARCHITECTURE
    python: Python = DEFAULT_PYTHON
    concurrency: Concurrency | None = None
    snapstart: bool = False
    auth: Auth = "iam"
    cors: tuple[str, ...] = ()
    page: bool = False
    metrics: bool = True
    tracing: bool = False
    alarm_email: str | None = None
    budget: float | None = None
    log_retention: int = 30
    golden: Path | None = None
    canary: Canary = "all-at-once"
    keep_versions: int = 3
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Project:
    """Everything of one file.

    :param name: Stacks, functions and the bucket begin with it.
    :param region: Where all of it is.
    :param account: The only account into which it may be deployed; ``None`` for whichever the credentials are of.
    :param tags: Of every resource, beside ours.
    :param functions: In the file's order.
    :param folder: Where the file is.
    """

    name: str
    region: str
    account: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    functions: tuple[FunctionConfig, ...]
    folder: Path
