"""The code of one version of a function in an emulator, and what an invocation of it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["DeployedCode", "FindCodeUrl", "OnLog", "RunCode", "VersionResponse"]


@dataclass(frozen=True)
class DeployedCode:
    """One version of a function.

    :param function: The function's name.
    :param version: Its number, or ``$LATEST``.
    :param archive: The zip; empty for an image.
    :param image: The image, ``REGISTRY/NAME@sha256:...``; ``None`` for a zip.
    :param variables: The function's environment variables.
    :param memory_mb: Its memory.
    :param timeout_s: Its timeout.
    """

    function: str
    version: str
    archive: bytes
    image: str | None
    variables: Mapping[str, str]
    memory_mb: int
    timeout_s: int


@dataclass(frozen=True)
class VersionResponse:
    """The result of one invocation.

    :param payload: The response, or the error, as JSON.
    :param headers: ``X-Amz-Function-Error`` of an error, and ``X-Amz-Log-Result``, as Lambda's API returns them.
    """

    payload: bytes
    headers: Mapping[str, str]


RunCode = Callable[[DeployedCode, bytes], VersionResponse]
"""Invokes a version with an event."""

FindCodeUrl = Callable[[DeployedCode], str]
"""Returns the URL of a version in the local Lambda, without a slash at the end."""

OnLog = Callable[[DeployedCode, int, str], None]
"""Called with each line that an execution environment logs, and the environment's number."""
