"""The type that every kind of source gives."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ..artifact.unpack import Readable

__all__ = ["FROM_ENVIRONMENT", "FoundArtifact", "S3Options"]


@dataclass(frozen=True)
class FoundArtifact:
    """An artifact that is there.

    :param name: How messages call it.
    :param sha256: Its identity, where it is known before reading: given, or told by the store.
    :param size: Bytes, where they are known before reading.
    :param open: Gives its bytes, from the beginning, each time.
    """

    name: str
    sha256: str | None
    size: int | None
    open: Callable[[], AbstractContextManager[Readable]]


@dataclass(frozen=True)
class S3Options:
    """How S3 is reached, where the AWS environment variables and files do not say it.

    :param endpoint_url: Of any service that speaks S3.
    :param region: AWS region.
    :param profile: Named profile of the AWS configuration.
    """

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None


FROM_ENVIRONMENT = S3Options()
