"""The type that every kind of source gives."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from spacy_lambda.core.artifact.unpack import Readable
from spacy_lambda.core.digest import Digest, parse_digest
from spacy_lambda.errors import StoreError

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
    sha256: Digest | None
    size: int | None
    open: Callable[[], AbstractContextManager[Readable]]

    def __post_init__(self) -> None:
        if self.sha256 is not None:
            parse_digest(self.sha256, name=f"the digest of {self.name}")
        if self.size is not None and (type(self.size) is not int or self.size < 0):
            raise StoreError(f"{self.name} has the impossible size {self.size!a}", remedy="push the pipeline again")


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
