"""Input of the CDK app: everything that it puts into templates, and nothing that it would have to look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .aws_names import stack_name
from .settings import FunctionConfig
from .source_settings import SourceConfig

__all__ = ["ALIAS", "CONNECTED", "LIVE_BEFORE", "FunctionSpec", "ImageCode", "SharedSpec", "SpecError", "ZipCode"]

ALIAS = "live"
"""Alias that callers use; its Function URL and its permissions never change, its version does."""

CONNECTED = "spacy-lambda:sources"
"""Key of a template's metadata: the event sources that are connected to the alias, as JSON."""

LIVE_BEFORE = "spacy-lambda:live-before"
"""The same for the versions that were live before, which a rollback chooses from."""


class SpecError(ValueError):
    """No template can be made of a spec.

    :param message: The value and its problem.
    :param remedy: The setting to change.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(f"{message}\nremedy: {remedy}")
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class ZipCode:
    """Code as a zip, uploaded to the bucket of ``cdk bootstrap``.

    :param path: The bundle.
    """

    path: Path


@dataclass(frozen=True)
class ImageCode:
    """Code as an image in the function's ECR repository.

    :param digest: ``sha256:...``
    :param efs: Put the function into a VPC, with its model cache on EFS at ``/mnt/models``.
    """

    digest: str
    efs: bool = False


@dataclass(frozen=True, kw_only=True)
class SharedSpec:
    """Resources that the functions of a project share: the artifact bucket, and an ECR repository for each image.

    :param project: Name of the project.
    :param account: AWS account.
    :param region: AWS region.
    :param repositories: Names of the functions that have an image.
    :param corpora: ``True`` if the bucket has corpora while they are annotated.
    :param tags: Tags of every resource.
    """

    project: str
    account: str
    region: str
    repositories: tuple[str, ...] = ()
    corpora: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    """Stack of one function.

    :param project: Name of the project.
    :param account: AWS account.
    :param region: AWS region.
    :param config: The function's configuration. A public function needs a concurrency: a number, or ``unlimited``.
    :param code: The function's code.
    :param sha256: Digest of the pipeline's artifact.
    :param pipeline: Location from which the pipeline is fetched during init; ``None`` if the code contains it.
    :param labels: Labels of the pipeline's entities, for the dashboard.
    :param live_version: Version of the live alias; ``None`` for no alias yet.
    :param live_before: Versions that were live before it, the latest first, without those that were rolled back from.
    :param connected: Event sources that invoke it; ``None`` for all of the configuration. The function may read from
        those of both.
    :param tags: Tags of every resource.
    """

    project: str
    account: str
    region: str
    config: FunctionConfig
    code: ZipCode | ImageCode
    sha256: str
    pipeline: str | None = None
    labels: tuple[str, ...] = ()
    live_version: str | None = None
    live_before: tuple[str, ...] = ()
    connected: tuple[SourceConfig, ...] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def connected_sources(self) -> tuple[SourceConfig, ...]:
        """Event sources that invoke the live version."""
        return self.config.sources if self.connected is None else self.connected

    @property
    def readable_sources(self) -> tuple[SourceConfig, ...]:
        """Event sources from which the function may read."""
        return tuple(dict.fromkeys([*self.connected_sources, *self.config.sources]))

    @property
    def has_init_metric(self) -> bool:
        """``True`` if the function emits a metric of init durations: with SnapStart no caller waits for an init."""
        return self.config.metrics and not self.config.snapstart

    @property
    def name(self) -> str:
        """Name of the function in the project."""
        return self.config.name

    @property
    def function_name(self) -> str:
        """Name of the function, and of its stack, in AWS."""
        return stack_name(self.project, self.config.name)
