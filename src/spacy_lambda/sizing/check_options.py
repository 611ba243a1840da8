"""The settings with which a function is checked."""

from __future__ import annotations

from dataclasses import dataclass

from spacy_lambda.core.lambda_function import DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_S
from spacy_lambda.core.lambda_limits import FREE_EPHEMERAL_MB

__all__ = ["CheckOptions"]


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """Settings of the function on Lambda.

    :param memory_mb: Memory in MB.
    :param timeout_s: Seconds that an invocation may take.
    :param architecture: Its architecture; ``None`` for the bundle's.
    :param python: Its Python; ``None`` for the bundle's.
    :param snapstart: SnapStart is turned on.
    :param provisioned: It has provisioned concurrency.
    :param ephemeral_mb: Size of ``/tmp`` in MB.
    :param efs: It mounts an EFS file system.
    """

    memory_mb: int = DEFAULT_MEMORY_MB
    timeout_s: float = DEFAULT_TIMEOUT_S
    architecture: str | None = None
    python: str | None = None
    snapstart: bool = False
    provisioned: bool = False
    ephemeral_mb: int = FREE_EPHEMERAL_MB
    efs: bool = False
