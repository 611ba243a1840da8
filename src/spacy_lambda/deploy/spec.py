"""What the CDK app is given: everything that it puts into templates, and nothing that it would have to look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spacy_lambda.config.project import Auth, Canary, Concurrency
from spacy_lambda.core.lambda_function import DEFAULT_MEMORY_MB, Architecture

__all__ = [
    "ALIAS",
    "FunctionSpec",
    "ImageCode",
    "SharedSpec",
    "ZipCode",
]

ALIAS = "live"
"""The alias that callers use; its Function URL and its permissions never move, its version does."""


@dataclass(frozen=True)
class ZipCode:
    """Code that goes as a zip, through the bucket of ``cdk bootstrap``.

    :param path: The bundle.
    """

    path: Path


@dataclass(frozen=True)
class ImageCode:
    """Code that is an image in the project's ECR repository.

    :param digest: ``sha256:...``
    :param efs: Whether the function is in a VPC and has its model cache on EFS, at ``/mnt/models``.
    """

    digest: str
    efs: bool = False


@dataclass(frozen=True, kw_only=True)
class SharedSpec:
    """What the functions of a project share: the artifact bucket, and a repository for each function with an image.

    :param project: Its name.
    :param account: Where it is.
    :param region: Where it is.
    :param repositories: Names of the functions that have an image.
    :param tags: Of every resource.
    """

    project: str
    account: str
    region: str
    repositories: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    """One function's stack.

    :param project: Name of the project.
    :param name: Name of the function in it.
    :param account: Where it is.
    :param region: Where it is.
    :param code: What it runs.
    :param architecture: As Lambda calls it.
    :param python: Version of Lambda's Python.
    :param sha256: Identity of the pipeline's artifact.
    :param pipeline: Location in S3 from which it is fetched during init; ``None`` where it is in the code.
    :param labels: What the pipeline's entities can be.
    :param live_version: The version that the alias is to name; ``None`` for no alias yet.
    :param concurrency: Environments reserved for it; a function that everybody may call has to have a number, or
        ``unlimited``.
    :param environment: Environment variables, complete but for the pipeline's and the cache's.
    """

    project: str
    name: str
    account: str
    region: str
    code: ZipCode | ImageCode
    architecture: Architecture
    python: str
    sha256: str
    pipeline: str | None = None
    labels: tuple[str, ...] = ()
    live_version: str | None = None
    memory: int = DEFAULT_MEMORY_MB
    timeout: int = 30
    concurrency: Concurrency | None = None
    snapstart: bool = False
    auth: Auth = "iam"
    cors: tuple[str, ...] = ()
    metrics: bool = True
    tracing: bool = False
    alarm_email: str | None = None
    budget: float | None = None
    log_retention: int = 30
    canary: Canary = "all-at-once"
    environment: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
