"""Configuration of one function, complete and checked, from ``[functions.NAME]`` of ``spacy-lambda.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..core.lambda_function import (
    DEFAULT_ARCHITECTURE,
    DEFAULT_MEMORY_MB,
    DEFAULT_PYTHON,
    DEFAULT_TIMEOUT_S,
    Architecture,
    Python,
)
from .bulk_settings import BulkConfig
from .source_settings import SourceConfig

__all__ = ["PUBLIC_CONCURRENCY", "Auth", "Canary", "Concurrency", "FunctionConfig", "Shape", "reserved_concurrency"]

Shape = Literal["auto", "zip", "image", "image-efs"]
Auth = Literal["iam", "none"]
Concurrency = int | Literal["unlimited"]
Canary = Literal["all-at-once", "10percent-5minutes", "10percent-15minutes", "linear-10percent-1minute"]

PUBLIC_CONCURRENCY = 10
"""Default maximum concurrency of a public function. It limits the cost of unauthenticated requests to that of this
number of execution environments, busy all the time."""


@dataclass(frozen=True, kw_only=True)
class FunctionConfig:
    """Configuration of one function: the keys of ``[functions.NAME]``; their texts here are the reference of the keys.

    :param name: Name of the function in the project.
    :param pipeline: Location of the compiled pipeline: a folder relative to the file, a package, ``s3://`` or ``hf://``.
    :param signed_by: Public key with which the pipeline must be signed in its store.
    :param shape: Package type: ``auto`` is a zip if it fits, else an image.
    :param memory: MB; 1,769 MB is one vCPU.
    :param timeout: Seconds.
    :param architecture: Instruction set.
    :param python: Version of Lambda's Python.
    :param concurrency: Reserved and maximum concurrency; by default 10 for a public function, else unlimited.
    :param snapstart: Publish versions with a snapshot of their init, at a cost.
    :param auth: Callers of the Function URL: ``iam`` for those with the permission, ``none`` for everybody.
    :param callers: Roles, users and accounts that may call the function, from other accounts too: IAM ARNs or
        account IDs.
    :param cors: Origins whose pages may call the Function URL.
    :param page: Serve the page at the Function URL; with auth ``iam`` no browser can open it.
    :param examples: Texts that the page offers to try; by default those of the pipeline's meta.json, or general ones.
    :param metrics: Emit CloudWatch metrics.
    :param tracing: Trace invocations with X-Ray, at a cost for each trace.
    :param alarm_email: Recipient of alarms, after confirming Amazon's first email.
    :param alarm_empty_percentage: Percentage of texts without entities, in an hour, from which an alarm is raised; the
        alarm and its two metrics are charged for.
    :param budget: US dollars a month above which an email is sent; needs alarm_email and activated cost allocation
        tags.
    :param log_retention: Days to keep logs.
    :param golden: JSON Lines file of golden tests, requests with an optional ``expected`` or annotated documents, which
        a new version must pass before it goes live.
    :param canary: Traffic shift to a new version.
    :param keep_versions: Published versions to keep, the live one among them.
    :param environment: Additional environment variables.
    :param sources: Event sources that invoke the live version.
    :param bulk: State machine that annotates corpora.
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
    callers: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()
    page: bool = False
    examples: tuple[str, ...] = ()
    metrics: bool = True
    tracing: bool = False
    alarm_email: str | None = None
    alarm_empty_percentage: int | None = None
    budget: float | None = None
    log_retention: int = 30
    golden: Path | None = None
    canary: Canary = "all-at-once"
    keep_versions: int = 3
    environment: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[SourceConfig, ...] = ()
    bulk: BulkConfig | None = None


def reserved_concurrency(auth: object, concurrency: object) -> int | None:
    """Return the reserved concurrency of a function: the configured one, or the default of a public function.

    :param auth: The value of ``auth``.
    :param concurrency: The value of ``concurrency``, which may be of any type while a file is being checked.
    :returns: ``None`` without a limit of its own.
    """
    if isinstance(concurrency, int) and not isinstance(concurrency, bool):
        return concurrency
    return PUBLIC_CONCURRENCY if auth == "none" and concurrency is None else None
