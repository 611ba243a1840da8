"""Objects in S3 with requests, read as they are needed."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from spacy_lambda.errors import NotStoredError, RequestError

__all__ = ["DEFAULT_LIMITS", "ObjectLimits", "StoredObject", "as_stream", "read_lines", "read_text"]


@dataclass(frozen=True)
class ObjectLimits:
    """Maximum bytes of what is read from S3.

    :param line: Bytes of one line.
    :param content: Bytes of a whole object, uncompressed.
    :param chunk: Bytes of a request to S3, which would cut off a longer one while the pipeline works.
    """

    line: int = 32 << 20
    content: int = 512 << 20
    chunk: int = 8 << 20


DEFAULT_LIMITS = ObjectLimits()


@dataclass(frozen=True)
class StoredObject:
    """An object.

    :param bucket: Its bucket.
    :param key: Its key, decoded.
    :param version: Version ID, in a versioned bucket.
    """

    bucket: str
    key: str
    version: str | None = None

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def read_text(client: Any, stored: StoredObject, *, max_length: int, limits: ObjectLimits) -> str:
    """Read a whole object as a text.

    :param max_length: Maximum characters of the text.
    :raises RequestError: If it is not text, or too large.
    :raises StoreError: If it cannot be read.
    """
    limit = 4 * (max_length + 1)
    with _reading(stored):
        data = as_stream(_chunks(client, stored, limits)).read(limit + 1)
    if len(data) > limit:
        raise RequestError(
            f"{stored} has more than {max_length:,} characters",
            remedy='store a .jsonl with its parts, or with "long_text": "split" beside it',
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise RequestError(f"{stored} is not UTF-8 at byte {exc.start}", remedy="store it as UTF-8") from exc


def read_lines(client: Any, stored: StoredObject, limits: ObjectLimits) -> Iterator[bytes]:
    """Yield the lines of an object; of a line that is too long, its beginning.

    :raises RequestError: If the object is too large, or its key ends with .gz and it is not a complete gzip file.
    :raises StoreError: If it cannot be read.
    """
    done = 0
    with _reading(stored):
        packed = as_stream(_chunks(client, stored, limits))
        stream = gzip.GzipFile(fileobj=packed) if stored.key.endswith(".gz") else packed
        while line := stream.readline(limits.line + 1):
            rest = line
            while not rest.endswith(b"\n") and (rest := stream.readline(limits.chunk)):
                done += len(rest)
                _check_size(stored, done, limits)
            done += len(line)
            _check_size(stored, done, limits)
            yield line


def _check_size(stored: StoredObject, size: int, limits: ObjectLimits) -> None:
    if size > limits.content:
        raise RequestError(
            f"{stored} has more than {limits.content >> 20} MiB uncompressed", remedy="split it into several objects"
        )


@contextmanager
def _reading(stored: StoredObject) -> Iterator[None]:
    from spacy_lambda.core.source.s3 import s3_errors

    try:
        with s3_errors(stored.bucket, stored.key):
            yield
    except NotStoredError as exc:
        raise NotStoredError(exc.message, remedy="let nothing remove an object before its event is handled") from exc
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise RequestError(f"{stored} is not a whole gzip file", remedy="compress it again") from exc


def _chunks(client: Any, stored: StoredObject, limits: ObjectLimits) -> Iterator[bytes]:
    """Open the object, and not another that replaces it meanwhile."""
    from botocore.exceptions import ClientError

    from spacy_lambda.core.aws_error_kinds import error_code

    same = {} if stored.version is None else {"VersionId": stored.version}
    done, size = 0, 1
    while done < size:
        part = f"bytes={done}-{done + limits.chunk - 1}"
        try:
            response = client.get_object(Bucket=stored.bucket, Key=stored.key, Range=part, **same)
        except ClientError as exc:
            if error_code(exc) == "InvalidRange":  # it is empty
                return
            raise
        chunk = response["Body"].read()
        yield chunk
        same["IfMatch"] = response["ETag"]
        done, size = done + len(chunk), int(response["ContentRange"].rpartition("/")[2])


class _Stream(io.RawIOBase):
    def __init__(self, chunks: Iterator[bytes]) -> None:
        from spacy_lambda.core.streams import ChunkStream

        self._chunks = ChunkStream(chunks)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._chunks.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def as_stream(chunks: Iterator[bytes]) -> io.BufferedReader:
    """Return an iterator's chunks as a file to read once."""
    return io.BufferedReader(_Stream(chunks), 1 << 16)
