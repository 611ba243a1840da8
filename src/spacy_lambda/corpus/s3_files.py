"""Objects, prefixes and patterns in S3 -> files."""

from __future__ import annotations

import glob
import io
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, BinaryIO, cast

from spacy_lambda.core.source.found_artifact import S3Options
from spacy_lambda.core.source.s3 import TRIES, s3_client, s3_error, s3_errors
from spacy_lambda.core.streams import CHUNK_BYTES
from spacy_lambda.corpus.formats.registry import format_of
from spacy_lambda.corpus.local_files import FoundFile, no_files, own_source
from spacy_lambda.errors import CorpusError

__all__ = ["SCHEME", "S3Place", "find_in_bucket", "is_in_s3"]

SCHEME = "s3://"
OTHER_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""The beginning of a URL, which would be taken for the name of a folder; a drive has one letter."""

MAX_CHUNK_BYTES = 8 << 20
"""Bytes of a request for an object that is read from start to end."""


def is_in_s3(place: str) -> bool:
    """Return whether a source or a destination is in S3; otherwise it is a path.

    :raises CorpusError: If it is empty, or another URL.
    """
    if not place:
        raise CorpusError("a source or destination is empty", remedy="name it; the current folder is '.'")
    if place.startswith(SCHEME):
        return True
    if OTHER_SCHEME.match(place):
        raise CorpusError(
            f"{place} is not a path, and not in S3",
            remedy=f"write {SCHEME}bucket/prefix, or a path; one that begins like a URL, as ./{place}",
        )
    return False


@dataclass(frozen=True)
class S3Place:
    """A bucket, and a key or a prefix in it."""

    bucket: str
    key: str

    @classmethod
    def of(cls, url: str) -> S3Place:
        """Read a URL.

        :raises CorpusError: If it does not name a bucket.
        """
        bucket, _, key = url.removeprefix(SCHEME).partition("/")
        if not bucket or glob.has_magic(bucket):
            raise CorpusError(f"{url} does not name a bucket", remedy="write s3://bucket/prefix")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"


@dataclass(frozen=True)
class _Object:
    """An object that was found.

    :param place: Its bucket and key.
    :param root: The part of its key that its name does not have, with ``/`` at the end unless it is empty.
    """

    place: S3Place
    root: str
    size: int
    etag: str


def find_in_bucket(
    sources: Sequence[str], *, any_format: bool, own: Sequence[str], options: S3Options
) -> list[FoundFile]:
    """Find files, as :func:`~spacy_lambda.corpus.local_files.find_local` does.

    :param own: URLs of objects and, with ``/`` at the end, prefixes that are not part of the corpus.
    :raises CorpusError: If a source is missing, empty or own.
    :raises StoreError: If S3 cannot be reached or denies access.
    """
    client = s3_client(options)
    found: dict[S3Place, _Object] = {}
    roots = list[list[str]]()
    for source in sources:
        for one in _objects(client, source, any_format, own):
            found[one.place] = one
            roots.append([one.place.bucket, *one.root.split("/")[:-1]])
    shared = _shared(roots)
    return [_found(client, one, shared) for one in sorted(found.values(), key=_parts)]


def _parts(found: _Object) -> list[str]:
    return [found.place.bucket, *found.place.key.split("/")]


def _shared(paths: Sequence[list[str]]) -> int:
    """Return the number of parts with which all paths begin."""
    columns = zip(*paths, strict=False)
    return next((number for number, parts in enumerate(columns) if len(set(parts)) > 1), min(map(len, paths)))


def _found(client: Any, one: _Object, shared: int) -> FoundFile:
    return FoundFile("/".join(_parts(one)[shared:]), one.size, partial(_open, client, one), lambda: None)


def _objects(client: Any, source: str, any_format: bool, own: Sequence[str]) -> list[_Object]:
    place = S3Place.of(source)
    if _is_own(str(place), own) or _is_own(f"{place}/", own):
        raise own_source(source, str(place), own[0])
    found = _exact(client, place) if place.key and not place.key.endswith("/") else None
    if found is not None:
        return [found]
    matches = list(_matching(client, place) if glob.has_magic(place.key) else _below(client, place))
    if not matches:
        raise CorpusError(f"{source} does not exist", remedy="check it with: aws s3 ls " + str(place))
    files = [one for one in matches if (any_format or format_of(one.place.key)) and not _is_own(str(one.place), own)]
    if not files:
        raise no_files(source)
    return files


def _is_own(url: str, own: Sequence[str]) -> bool:
    return any(url == one or (one.endswith("/") and url.startswith(one)) for one in own)


def _listed(client: Any, bucket: str, prefix: str, root: str, **options: Any) -> Iterator[_Object]:
    with s3_errors(bucket, prefix):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **options):
            for entry in page.get("Contents", []):
                yield _Object(S3Place(bucket, entry["Key"]), root, entry["Size"], entry["ETag"])


def _exact(client: Any, place: S3Place) -> _Object | None:
    root = place.key[: place.key.rfind("/") + 1]
    # Of all keys that begin so, the key itself is the first.
    first = next(_listed(client, place.bucket, place.key, root, PaginationConfig={"MaxItems": 1}), None)
    return first if first is not None and first.place == place else None


def _below(client: Any, place: S3Place) -> Iterator[_Object]:
    """Yield the objects of a folder, but for those that are hidden or whose name begins with ``_``."""
    root = f"{place.key.rstrip('/')}/" if place.key.strip("/") else ""
    for one in _listed(client, place.bucket, root, root):
        parts = one.place.key[len(root) :].split("/")
        if parts[-1] and not any(part.startswith((".", "_")) for part in parts):
            yield one


def _matching(client: Any, place: S3Place) -> Iterator[_Object]:
    """Yield the objects whose keys match a pattern, as :mod:`glob` understands it."""
    fixed = re.split(r"[*?[]", place.key, maxsplit=1)[0]
    for one in _listed(client, place.bucket, fixed, fixed[: fixed.rfind("/") + 1]):
        if _matches(one.place.key.split("/"), place.key.split("/")):
            yield one


def _matches(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    """Return whether a key matches a pattern, part by part."""
    if not patterns or not parts:
        return not patterns and not parts
    if patterns[0] == "**":
        hidden = next((number for number, part in enumerate(parts) if part.startswith(".")), len(parts))
        if len(patterns) == 1:
            return hidden == len(parts) and parts[-1] != ""
        return any(_matches(parts[number:], patterns[1:]) for number in range(hidden + 1))
    if parts[0].startswith(".") and not patterns[0].startswith("."):
        return False
    return parts[0] != "" and fnmatchcase(parts[0], patterns[0]) and _matches(parts[1:], patterns[1:])


def _open(client: Any, one: _Object) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_RangeStream(client, one), CHUNK_BYTES))


class _RangeStream(io.RawIOBase):
    """An object, read in ranges: a request for all of it would be cut off while the pipeline works.

    Every range is of the object that was listed, not of one that has replaced it. Ranges that follow each other grow.
    """

    def __init__(self, client: Any, one: _Object) -> None:
        self._client, self._object = client, one
        self._position = 0
        self._start, self._chunk = 0, b""
        self._range = CHUNK_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._position = max(
            0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._object.size}[whence]
        )
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        if self._position >= self._object.size:
            return 0
        end = self._start + len(self._chunk)
        if not self._start <= self._position < end:
            self._range = min(2 * self._range, MAX_CHUNK_BYTES) if self._position == end else CHUNK_BYTES
            self._start, self._chunk = self._position, self._fetch(max(self._range, len(buffer)))
        begin = self._position - self._start
        data = self._chunk[begin : begin + len(buffer)]
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _fetch(self, size: int) -> bytes:
        from botocore import exceptions

        place = self._object.place
        tries = TRIES
        while True:
            try:
                response = self._client.get_object(
                    Bucket=place.bucket,
                    Key=place.key,
                    IfMatch=self._object.etag,
                    Range=f"bytes={self._position}-{self._position + size - 1}",
                )
                content: bytes = response["Body"].read()
                return content
            except (exceptions.BotoCoreError, exceptions.ClientError) as exc:
                tries -= 1
                # botocore does not retry once a body has begun.
                if tries == 0 or not isinstance(exc, (exceptions.HTTPClientError, exceptions.IncompleteReadError)):
                    raise s3_error(exc, place.bucket, place.key) from exc
                time.sleep(0.1 * (TRIES - tries))
