"""A lock of a destination in S3, against two runs into it.

It is an object that only one process can create (``If-None-Match``). That process renews it for as long as it runs; one
that is not renewed any more, because its process was killed, is taken over. Ages are by the clock of S3. Services
without conditional requests lock nothing.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from spacy_lambda.aws.lock_holder import has_ended, this_process
from spacy_lambda.core.aws_error_kinds import classify, error_code
from spacy_lambda.core.source.s3 import s3_errors
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import CorpusError, StoreError

__all__ = ["S3Lock"]

RENEW_S = 30.0
EXPIRE_S = 150.0
"""Seconds after which a lock that was not renewed is taken over."""


class S3Lock:
    """A lock that this process wants or holds.

    :param client: A client of S3.
    :param bucket: Its bucket.
    :param key: Its object.
    :param destination: What it is for, for errors.
    """

    def __init__(self, client: Any, bucket: str, key: str, destination: str) -> None:
        self._client, self._bucket, self._key, self._destination = client, bucket, key, destination
        self._etag: str | None = None
        self._lost = False
        self._done = threading.Event()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock in the block.

        :raises CorpusError: If another process holds it.
        :raises StoreError: If S3 cannot be reached or denies access.
        """
        while not self._acquired():
            pass
        renewing = threading.Thread(target=self._renew, daemon=True)
        renewing.start()
        try:
            yield
        finally:
            self._done.set()
            renewing.join()
            if self._etag is not None and not self._lost:
                with suppress(StoreError), s3_errors(self._bucket, self._key):
                    self._client.delete_object(Bucket=self._bucket, Key=self._key)

    def check(self) -> None:
        """Check, before something is written, that the lock was not taken over, as after this machine has slept.

        :raises CorpusError: If it was.
        """
        if self._lost:
            raise CorpusError(
                f"another process has taken over {self._destination}, because this one did not renew its lock for"
                f" {EXPIRE_S:.0f} s",
                remedy="wait for it to end; the same command resumes",
            )

    def _acquired(self) -> bool:
        """Create the lock's object, or take it over; ``False`` if another process was faster."""
        if self._put(IfNoneMatch="*"):
            return True
        found = self._read()
        if found is None:
            return False
        etag, holder, age_s = found
        if age_s < EXPIRE_S and not has_ended(holder):
            raise CorpusError(
                f"{self._destination} is being annotated by process {holder.get('pid')} on {holder.get('host')}, which"
                f" renewed its lock {age_s:.0f} s ago",
                remedy="wait for it to end, or choose another destination; if it was killed, run this command again in"
                f" {EXPIRE_S - age_s:.0f} s, or remove the lock: aws s3 rm s3://{self._bucket}/{self._key}",
            )
        return self._put(IfMatch=etag)

    def _put(self, **condition: str) -> bool:
        """Write the lock's object under a condition, if the service has conditions."""
        from botocore.exceptions import ClientError

        content = json.dumps({**this_process(), "token": uuid.uuid4().hex}).encode()
        with s3_errors(self._bucket, self._key):
            try:
                done = self._client.put_object(Bucket=self._bucket, Key=self._key, Body=content, **condition)
            except ClientError as exc:
                if error_code(exc) in ("NotImplemented", "501"):
                    return True
                if classify(exc) in ("conflict", "missing") and error_code(exc) != "NoSuchBucket":
                    return False
                raise
        self._etag = done["ETag"]
        return True

    def _read(self) -> tuple[str, dict[str, Any], float] | None:
        """Return the object's ETag, the process that holds the lock, and the seconds since it renewed it."""
        from botocore.exceptions import ClientError

        with s3_errors(self._bucket, self._key):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=self._key)
            except ClientError as exc:
                if classify(exc) == "missing":
                    return None
                raise
            content = found["Body"].read(10_000)
        date = found["ResponseMetadata"]["HTTPHeaders"].get("date")
        now = datetime.now(UTC) if date is None else parsedate_to_datetime(date)
        try:
            holder = parse_json(content)
        except ValueError:
            holder = None
        return found["ETag"], holder if isinstance(holder, dict) else {}, (now - found["LastModified"]).total_seconds()

    def _renew(self) -> None:
        while not self._done.wait(RENEW_S) and self._etag is not None:
            with suppress(StoreError):  # S3 may be reached again before the lock expires
                if not self._put(IfMatch=self._etag):
                    self._lost = True
                    return
