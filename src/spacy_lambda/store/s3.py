"""A store in S3, or in any service that speaks its protocol.

Artifacts are uploaded in parts, several at a time, each with its SHA-256, which S3 checks. An upload that was cut off
goes on where it stopped: its key says its contents, so that parts that are there can only be right
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html). Pointers are single objects, written with
``If-None-Match`` where they must not be there yet.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, S3Options
from spacy_lambda.core.source.s3 import SHA256_METADATA, error_code, read_object, s3_client, s3_errors
from spacy_lambda.errors import StoreError

__all__ = ["Encryption", "S3Objects"]

PART = 16 * 1024 * 1024
MAX_PARTS = 10_000
AT_ONCE = 4
ARTIFACT_TYPE = "application/x-tar"
POINTER_TYPE = "application/json"


@dataclass(frozen=True)
class Encryption:
    """Server-side encryption; without it, the bucket's own setting holds.

    :param algorithm: ``AES256``, ``aws:kms`` or ``aws:kms:dsse``.
    :param kms_key: The key's id or ARN, for ``aws:kms``.
    """

    algorithm: str | None = None
    kms_key: str | None = None

    @property
    def arguments(self) -> dict[str, str]:
        """As S3's operations take them."""
        arguments = {"ServerSideEncryption": self.algorithm, "SSEKMSKeyId": self.kms_key}
        return {key: value for key, value in arguments.items() if value is not None}


class S3Objects:
    """Objects in a bucket, below a prefix. See :class:`~spacy_lambda.store.object_store.Objects`."""

    def __init__(
        self, bucket: str, prefix: str, *, options: S3Options = FROM_ENVIRONMENT, encryption: Encryption | None = None
    ) -> None:
        self._client = s3_client(options)
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._encryption = encryption or Encryption()

    def read(self, key: str) -> bytes | None:
        """An object's bytes."""
        return read_object(self._client, self._bucket, self._prefix + key)

    def create(self, key: str, data: bytes) -> bool:
        """A new object, on condition that there is none."""
        try:
            self._put(key, data, IfNoneMatch="*")
        except StoreError as exc:
            # ConditionalRequestConflict: another one is being written at this moment.
            if error_code(exc.__cause__) in ("412", "PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise
        return True

    def replace(self, key: str, data: bytes) -> None:
        """An object in another's place: S3 shows readers one or the other."""
        self._put(key, data)

    def upload(self, key: str, file: Path, *, sha256: str, on_bytes: Callable[[int, int], None]) -> int:
        """A file in parts; those that an earlier upload brought are not sent again."""
        size = file.stat().st_size
        if self._is_there(key, size, sha256):
            return 0
        try:
            return self._upload(key, file, size, sha256, on_bytes)
        except StoreError as exc:
            # Another push of the same artifact shared the upload and has ended it.
            if error_code(exc.__cause__) == "NoSuchUpload" and self._is_there(key, size, sha256):
                return size
            raise

    def _upload(self, key: str, file: Path, size: int, sha256: str, on_bytes: Callable[[int, int], None]) -> int:
        upload = self._call(key, partial(self._open_upload, key, sha256))
        there = self._call(key, partial(self._parts, key, upload))
        todo = _Upload(file, size, upload, {}, on_bytes)
        with ThreadPoolExecutor(AT_ONCE, "upload") as pool:
            jobs = [
                pool.submit(self._send, key, todo, number, start, there.get(number))
                for number, start in enumerate(range(0, size, todo.part), start=1)
            ]
            try:
                for job in jobs:
                    self._call(key, job.result)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        self._call(key, partial(self._complete, key, todo))
        return todo.sent

    def keys(self, prefix: str) -> list[str]:
        """Keys of the bucket, below the prefix of this store."""
        pages = self._client.get_paginator("list_objects_v2")

        def every() -> list[str]:
            found = pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix)
            return [entry["Key"] for page in found for entry in page.get("Contents", [])]

        return sorted(key.removeprefix(self._prefix) for key in self._call(prefix, every))

    def _put(self, key: str, data: bytes, **more: str) -> None:
        put = partial(self._client.put_object, Bucket=self._bucket, Key=self._prefix + key, Body=data)
        self._call(key, partial(put, ContentType=POINTER_TYPE, **self._encryption.arguments, **more))

    def _is_there(self, key: str, size: int, sha256: str) -> bool:
        try:
            head = self._call(key, partial(self._client.head_object, Bucket=self._bucket, Key=self._prefix + key))
        except StoreError as exc:
            if error_code(exc.__cause__) in ("404", "NoSuchKey", "NotFound"):
                return False
            raise
        return bool(head["ContentLength"] == size and head["Metadata"].get(SHA256_METADATA) == sha256)

    def _open_upload(self, key: str, sha256: str) -> str:
        """The id of an upload that was begun and not ended, or of a new one."""
        pages = self._client.get_paginator("list_multipart_uploads")
        begun = [
            upload
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + key)
            for upload in page.get("Uploads", [])
            if upload["Key"] == self._prefix + key
        ]
        if begun:
            upload_id: str = max(begun, key=lambda upload: upload["Initiated"])["UploadId"]
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

    def _parts(self, key: str, upload: str) -> dict[int, dict[str, Any]]:
        """The parts that have arrived, by number."""
        pages = self._client.get_paginator("list_parts")
        found = pages.paginate(Bucket=self._bucket, Key=self._prefix + key, UploadId=upload)
        return {part["PartNumber"]: part for page in found for part in page.get("Parts", [])}

    def _send(self, key: str, todo: _Upload, number: int, start: int, there: dict[str, Any] | None) -> None:
        with todo.file.open("rb") as file:
            file.seek(start)
            data = file.read(todo.part)
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode("ascii")
        if there is not None and there["Size"] == len(data) and _same(there, data, checksum):
            todo.add(number, there["ETag"], checksum, len(data), sent=0)
            return
        answer = self._client.upload_part(
            Bucket=self._bucket,
            Key=self._prefix + key,
            UploadId=todo.upload,
            PartNumber=number,
            Body=data,
            ChecksumSHA256=checksum,
        )
        todo.add(number, answer["ETag"], checksum, len(data), sent=len(data))

    def _complete(self, key: str, todo: _Upload) -> None:
        parts = [
            {"PartNumber": number, "ETag": etag, "ChecksumSHA256": checksum}
            for number, (etag, checksum) in sorted(todo.parts.items())
        ]
        self._client.complete_multipart_upload(
            Bucket=self._bucket, Key=self._prefix + key, UploadId=todo.upload, MultipartUpload={"Parts": parts}
        )

    def _call(self, key: str, operation: Callable[[], Any]) -> Any:
        with s3_errors(self._bucket, self._prefix + key):
            return operation()


class _Upload:
    """How far an upload is; parts end in any order."""

    def __init__(
        self,
        file: Path,
        size: int,
        upload: str,
        parts: dict[int, tuple[str, str]],
        on_bytes: Callable[[int, int], None],
    ) -> None:
        self.file, self.size, self.upload, self.parts = file, size, upload, parts
        self.part = max(PART, -(-size // MAX_PARTS))
        self.sent = 0
        self._done = 0
        self._on_bytes = on_bytes
        self._lock = threading.Lock()

    def add(self, number: int, etag: str, checksum: str, size: int, *, sent: int) -> None:
        """One more part is there."""
        with self._lock:
            self.parts[number] = (etag, checksum)
            self.sent += sent
            self._done += size
            self._on_bytes(self._done, self.size)


def _same(there: dict[str, Any], data: bytes, checksum: str) -> bool:
    """Whether a part that is there has these bytes."""
    if "ChecksumSHA256" in there:
        return bool(there["ChecksumSHA256"] == checksum)
    return bool(there["ETag"].strip('"') == hashlib.md5(data, usedforsecurity=False).hexdigest())
