"""A prefix in S3 for results: an object appears whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

from spacy_lambda.core.aws_error_kinds import classify
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.source.s3 import s3_errors
from spacy_lambda.corpus.s3_lock import S3Lock

__all__ = ["S3Destination"]


class S3Destination:
    """See :class:`~spacy_lambda.corpus.destination.Destination`.

    :param client: A client of S3.
    :param bucket: The bucket.
    :param prefix: What keys begin with, with ``/`` at the end unless it is empty.
    """

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client, self._bucket, self._prefix = client, bucket, prefix
        self._lock: S3Lock | None = None

    def write(self, name: str, content: bytes) -> None:
        """Write a file, or replace it.

        :raises CorpusError: If another run has taken over the lock.
        """
        if self._lock is not None:
            self._lock.check()
        with s3_errors(self._bucket, self._prefix + name):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content)

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Open a file on this machine, which is uploaded when the block ends, in parts if it is large."""
        with TemporaryFile() as file:
            yield cast(BinaryIO, file)
            file.seek(0)
            with s3_errors(self._bucket, self._prefix + name):
                self._client.upload_fileobj(file, self._bucket, self._prefix + name)

    def read(self, name: str) -> bytes | None:
        from botocore.exceptions import ClientError

        with s3_errors(self._bucket, self._prefix + name):
            try:
                content: bytes = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read()
            except ClientError as exc:
                if classify(exc) == "missing":
                    return None
                raise
        return content

    def size(self, name: str) -> int | None:
        return self.sizes(name).get(name)

    def sizes(self, prefix: str) -> dict[str, int]:
        found = {}
        with s3_errors(self._bucket, self._prefix + prefix):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                for entry in page.get("Contents", []):
                    found[entry["Key"].removeprefix(self._prefix)] = entry["Size"]
        return found

    def digest(self, name: str) -> Digest | None:
        """Return nothing: the object would have to be fetched."""
        return None

    @contextmanager
    def lock(self, name: str, destination: str) -> Iterator[None]:
        self._lock = S3Lock(self._client, self._bucket, self._prefix + name, destination)
        with self._lock.held():
            yield

    def remove_unfinished(self, names: Iterable[str], folder: str | None = None) -> None:
        """Do nothing: S3 has no unfinished objects."""

    def remove(self, name: str) -> None:
        with s3_errors(self._bucket, self._prefix + name):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def remove_folder(self) -> None:
        """Do nothing: S3 has no folders."""
