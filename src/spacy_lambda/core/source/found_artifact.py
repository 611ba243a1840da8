"""An artifact that was found in a store, and the options of S3."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from spacy_lambda.core.digest import Digest, parse_digest
from spacy_lambda.core.streams import Readable
from spacy_lambda.errors import StoreError

__all__ = ["FROM_ENVIRONMENT", "FoundArtifact", "S3Options"]


@dataclass(frozen=True)
class FoundArtifact:
    """An artifact that exists and can be opened.

    :param name: Its name in errors.
    :param sha256: Its digest, if the location or the store has it.
    :param size: Bytes, if they are known before reading.
    :param open: Opens its bytes; may be called several times.
    """

    name: str
    sha256: Digest | None
    size: int | None
    open: Callable[[], AbstractContextManager[Readable]]

    def __post_init__(self) -> None:
        if self.sha256 is not None:
            parse_digest(self.sha256, name=f"the digest of {self.name}")
        if self.size is not None and (type(self.size) is not int or self.size < 0):
            raise StoreError(f"{self.name} has an invalid size: {self.size!a}", remedy="push the pipeline again")


@dataclass(frozen=True)
class S3Options:
    """Options for S3 beyond the AWS environment variables and files.

    :param endpoint_url: URL of a service with S3's API.
    :param region: AWS region.
    :param profile: Named profile of the AWS configuration.
    :param client: An existing client of S3, used as it is.
    """

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    client: Any = None


FROM_ENVIRONMENT = S3Options()
