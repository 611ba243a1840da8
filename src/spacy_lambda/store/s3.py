"""Object storage in S3, or in any service with its API.

Artifacts are uploaded in parts, several at a time, each with its SHA-256, which S3 checks. A later push resumes an
interrupted upload (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html), which boto3's own transfer
cannot: it aborts the upload. Pointers are single objects, written with ``If-None-Match`` if they must not exist yet.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from spacy_lambda.core.aws_error_kinds import classify, error_code
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, S3Options
from spacy_lambda.core.source.s3 import SHA256_METADATA, read_object, s3_client, s3_errors
from spacy_lambda.errors import StoreError

__all__ = ["Encryption", "S3Storage"]

PART_BYTES = 16 * 1024 * 1024
MAX_PARTS = 10_000
UPLOAD_THREADS = 4
ARTIFACT_TYPE = "application/x-tar"
POINTER_TYPE = "application/json"


@dataclass(frozen=True)
class Encryption:
    """Server-side encryption; by default the bucket's.

    :param algorithm: ``AES256``, ``aws:kms`` or ``aws:kms:dsse``.
    :param kms_key: The key's id or ARN, for ``aws:kms``.
    """

    algorithm: str | None = None
    kms_key: str | None = None

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments of S3's operations."""
        arguments = {"ServerSideEncryption": self.algorithm, "SSEKMSKeyId": self.kms_key}
        return {key: value for key, value in arguments.items() if value is not None}


class S3Storage:
    """Objects in a bucket, below a prefix. See :class:`~spacy_lambda.store.protocol.ObjectStorage`."""

    def __init__(
        self, bucket: str, prefix: str, *, options: S3Options = FROM_ENVIRONMENT, encryption: Encryption | None = None
    ) -> None:
        self._client = s3_client(options)
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._encryption = encryption or Encryption()

    def read(self, key: str) -> bytes | None:
        """Return an object's bytes, or ``None``."""
        return read_object(self._client, self._bucket, self._prefix + key)

    def create(self, key: str, data: bytes) -> bool:
        """Create an object, if the key does not exist."""
        try:
            self._put(key, data, IfNoneMatch="*")
        except StoreError as exc:
            if classify(exc.__cause__) == "conflict":
                return False
            raise
        return True

    def replace(self, key: str, data: bytes) -> None:
        """Replace an object; S3 gives readers the old one or the new one."""
        self._put(key, data)

    def upload(self, key: str, file: Path, *, sha256: str, on_bytes: Callable[[int, int], None]) -> int:
        """Upload a file in parts, without those that an earlier, interrupted upload has sent."""
        size = file.stat().st_size
        if self._exists(key, size, sha256):
            return 0
        try:
            return self._upload(key, file, size, sha256, on_bytes)
        except StoreError as exc:
            # Another push of the same artifact shared the upload and has completed it.
            if error_code(exc.__cause__) == "NoSuchUpload" and self._exists(key, size, sha256):
                return size
            raise

    def _upload(self, key: str, file: Path, size: int, sha256: str, on_bytes: Callable[[int, int], None]) -> int:
        with self._errors(key):
            upload = self._open_upload(key, sha256)
            sent = self._sent_parts(key, upload)
        progress = _Upload(file, size, upload, on_bytes)
        with self._errors(key), ThreadPoolExecutor(UPLOAD_THREADS, "upload") as pool:
            jobs = [
                pool.submit(self._send, key, progress, number, start, sent.get(number))
                for number, start in enumerate(range(0, size, progress.part_size), start=1)
            ]
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        with self._errors(key):
            self._complete(key, progress)
        return progress.sent

    def keys(self, prefix: str) -> dict[str, datetime]:
        """Return keys of the bucket, relative to the prefix of this storage, with their times."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._errors(prefix):
            found = pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix)
            entries = [entry for page in found for entry in page.get("Contents", [])]
        entries.sort(key=lambda entry: str(entry["Key"]))
        return {entry["Key"].removeprefix(self._prefix): entry["LastModified"] for entry in entries}

    def delete(self, key: str) -> None:
        """Delete an object."""
        with self._errors(key):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def _put(self, key: str, data: bytes, **more: str) -> None:
        where = {"Bucket": self._bucket, "Key": self._prefix + key}
        with self._errors(key):
            self._client.put_object(**where, Body=data, ContentType=POINTER_TYPE, **self._encryption.arguments, **more)

    def _exists(self, key: str, size: int, sha256: str) -> bool:
        try:
            with self._errors(key):
                head = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except StoreError as exc:
            if classify(exc.__cause__) == "missing":
                return False
            raise
        return bool(head["ContentLength"] == size and head["Metadata"].get(SHA256_METADATA) == sha256)

    def _open_upload(self, key: str, sha256: str) -> str:
        """Return the id of the newest incomplete upload, or of a new one."""
        pages = self._client.get_paginator("list_multipart_uploads")
        incomplete = [
            upload
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + key)
            for upload in page.get("Uploads", [])
            if upload["Key"] == self._prefix + key
        ]
        if incomplete:
            upload_id: str = max(incomplete, key=lambda upload: upload["Initiated"])["UploadId"]
            return upload_id
        new = self._client.create_multipart_upload(
            Bucket=self._bucket,
            Key=self._prefix + key,
            ChecksumAlgorithm="SHA256",
            ContentType=ARTIFACT_TYPE,
            Metadata={SHA256_METADATA: sha256},
            **self._encryption.arguments,
        )
        upload_id = new["UploadId"]
        return upload_id

    def _sent_parts(self, key: str, upload: str) -> dict[int, dict[str, Any]]:
        """Return the parts that S3 has, by number."""
        pages = self._client.get_paginator("list_parts")
        found = pages.paginate(Bucket=self._bucket, Key=self._prefix + key, UploadId=upload)
        return {part["PartNumber"]: part for page in found for part in page.get("Parts", [])}

    def _send(self, key: str, progress: _Upload, number: int, start: int, sent: dict[str, Any] | None) -> None:
        with progress.file.open("rb") as file:
            file.seek(start)
            data = file.read(progress.part_size)
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode("ascii")
        if sent is not None and sent["Size"] == len(data) and _is_same(sent, data, checksum):
            progress.add(number, sent["ETag"], checksum, len(data), sent=0)
            return
        response = self._client.upload_part(
            Bucket=self._bucket,
            Key=self._prefix + key,
            UploadId=progress.upload_id,
            PartNumber=number,
            Body=data,
            ChecksumSHA256=checksum,
        )
        progress.add(number, response["ETag"], checksum, len(data), sent=len(data))

    def _complete(self, key: str, progress: _Upload) -> None:
        parts = [
            {"PartNumber": number, "ETag": etag, "ChecksumSHA256": checksum}
            for number, (etag, checksum) in sorted(progress.parts.items())
        ]
        self._client.complete_multipart_upload(
            Bucket=self._bucket,
            Key=self._prefix + key,
            UploadId=progress.upload_id,
            MultipartUpload={"Parts": parts},
        )

    def _errors(self, key: str) -> AbstractContextManager[None]:
        return s3_errors(self._bucket, self._prefix + key)


class _Upload:
    """The state of an upload; its parts complete in any order."""

    def __init__(self, file: Path, size: int, upload_id: str, on_bytes: Callable[[int, int], None]) -> None:
        self.file, self.size, self.upload_id = file, size, upload_id
        self.part_size = max(PART_BYTES, -(-size // MAX_PARTS))
        self.parts: dict[int, tuple[str, str]] = {}
        self.sent = 0
        self._done = 0
        self._on_bytes = on_bytes
        self._lock = threading.Lock()

    def add(self, number: int, etag: str, checksum: str, size: int, *, sent: int) -> None:
        """Record that S3 has a part."""
        with self._lock:
            self.parts[number] = (etag, checksum)
            self.sent += sent
            self._done += size
            self._on_bytes(self._done, self.size)


def _is_same(part: dict[str, Any], data: bytes, checksum: str) -> bool:
    """Return whether a part in S3 has these bytes."""
    if "ChecksumSHA256" in part:
        return bool(part["ChecksumSHA256"] == checksum)
    return bool(part["ETag"].strip('"') == hashlib.md5(data, usedforsecurity=False).hexdigest())
