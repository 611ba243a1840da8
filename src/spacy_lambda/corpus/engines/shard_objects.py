"""Shards and their results as objects in S3, which the function reads and writes.

::

    s3://BUCKET/PREFIX/RUN/documents/DIGEST.jsonl     a shard
                           results/DIGEST.jsonl       its annotated documents
                           errors/DIGEST.jsonl        its documents with an error
                           records/DIGEST.json        its figures, written last
                           items/EXECUTION.json       the shards of an execution

A shard's objects are named after the digest of its documents: results of other documents are never taken for its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.cdk.aws_names import ITEMS
from spacy_lambda.core.annotation import AnnotateOptions, Counts, Document, encode_line, read_documents
from spacy_lambda.core.aws_error_kinds import error_code
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.output_location import S3Prefix
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.corpus.engines.deployed import PERMISSIONS
from spacy_lambda.corpus.engines.protocol import ShardResult
from spacy_lambda.corpus.shards import Shard
from spacy_lambda.errors import CorpusError

__all__ = ["ShardObjects"]

MAX_LINE_BYTES = 32 << 20
"""Maximum bytes of a document that the function reads."""

MAX_DELETED = 1000
"""Maximum objects of a request that deletes them."""

READS = 3
"""Attempts at reading an object."""

SUFFIXES = {"documents": ".jsonl", "results": ".jsonl", "errors": ".jsonl", "records": ".json"}


class ShardObjects:
    """The objects of one run.

    :param client: A client of S3.
    :param place: Bucket and prefix.
    :param run: The run's name.
    """

    def __init__(self, client: Any, place: S3Prefix, run: str) -> None:
        self._client = client
        self._bucket = place.bucket
        self._folder = f"{place.prefix}/{run}" if place.prefix else run

    def upload(self, shard: Shard) -> None:
        """Store a shard's documents."""
        self._put(self._key("documents", shard.sha256), sendable(shard.lines))

    def write_items(self, execution: str, items: Iterable[dict[str, Any]]) -> str:
        """Store the list of an execution's shards.

        :returns: Its key.
        """
        key = f"{self._folder}/{ITEMS}/{execution}.json"
        self._put(key, json.dumps(list(items)).encode())
        return key

    def read_items(self, key: str) -> set[str]:
        """Return the digests of the shards of a list; none if it does not exist any more."""
        try:
            content = self._get(key)
        except ValueError:
            return set()
        return {_digest(item["input"]) for item in parse_json(content)}

    def item(self, name: str, digest: Digest, options: AnnotateOptions, *, pipeline: Digest) -> dict[str, Any]:
        """Return the item of a shard, as the function reads it."""
        places = {"input": "documents", "output": "results", "errors": "errors", "record": "records"}
        return {
            "name": name,
            **{key: f"s3://{self._bucket}/{self._key(kind, digest)}" for key, kind in places.items()},
            "options": options.to_dict(),
            "pipeline": pipeline,
        }

    def present(self, kind: str) -> set[str]:
        """Return the digests of the shards that have an object of a kind."""
        return set(map(_digest, self._listed(kind)))

    def fetch(self, name: str, digest: Digest) -> tuple[ShardResult, dict[str, Any]]:
        """Return the results of a shard that has a record, and the record.

        :raises CorpusError: If they are damaged; all of the shard's objects are removed then.
        """
        try:
            record: dict[str, Any] = parse_json(self._get(self._key("records", digest)))
            errors = self._get(self._key("errors", digest)) if record["error_bytes"] else b""
            lines = self._get(self._key("results", digest))
            sizes, expected = (len(lines), len(errors)), (record["bytes"], record["error_bytes"])
            if sizes != expected:
                raise ValueError(f"{sum(sizes):,} bytes instead of {sum(expected):,}")
            counts = Counts.from_dict(record["counts"])
            return ShardResult(name, lines, errors, counts, record["seconds"]), record
        except (ValueError, TypeError, KeyError) as exc:
            self.remove([digest])
            raise CorpusError(
                f"the results of {name} in s3://{self._bucket}/{self._folder}/ are damaged: {exc}",
                remedy="run the same command again: it annotates the shard again",
            ) from exc

    def remove(self, digests: Iterable[str]) -> None:
        """Remove the objects of shards."""
        keys = [self._key(kind, digest) for digest in digests for kind in SUFFIXES]
        self._remove(keys)

    def remove_items(self) -> None:
        """Remove the lists of executions."""
        self._remove(self._listed(ITEMS))

    def _remove(self, keys: list[str]) -> None:
        for start in range(0, len(keys), MAX_DELETED):
            objects = [{"Key": key} for key in keys[start : start + MAX_DELETED]]
            with self._errors(f"removing objects of s3://{self._bucket}/{self._folder}/"):
                self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})

    def _key(self, kind: str, digest: str) -> str:
        return f"{self._folder}/{kind}/{digest}{SUFFIXES[kind]}"

    def _put(self, key: str, content: bytes) -> None:
        with self._errors(f"writing s3://{self._bucket}/{key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content)

    def _get(self, key: str) -> bytes:
        """Return an object's content.

        :raises ValueError: If it does not exist.
        """
        with self._errors(f"reading s3://{self._bucket}/{key}"):
            try:
                return read_object(self._client, self._bucket, key)
            except self._client.exceptions.NoSuchKey as exc:
                raise ValueError(f"{key} does not exist") from exc

    def _listed(self, folder: str) -> list[str]:
        """Return the keys of all objects in one of the run's folders."""
        prefix = f"{self._folder}/{folder}/"
        with self._errors(f"listing s3://{self._bucket}/{prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [str(one["Key"]) for page in pages for one in page.get("Contents", ())]

    @contextmanager
    def _errors(self, action: str) -> Iterator[None]:
        try:
            with aws_errors(action, raises=CorpusError, permissions=PERMISSIONS):
                yield
        except CorpusError as exc:
            if error_code(exc.__cause__) != "NoSuchBucket":
                raise
            raise CorpusError(
                f"the bucket {self._bucket} does not exist",
                remedy="run 'spacy-lambda deploy', which creates the project's bucket, or correct bulk.location",
            ) from exc


def read_object(client: Any, bucket: str, key: str) -> bytes:
    """Return an object's content; botocore itself retries everything but the transfer of the body."""
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    for _ in range(READS - 1):
        with suppress(HTTPClientError, IncompleteReadError):
            return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())
    return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())


def _digest(key: str) -> str:
    return key.rpartition("/")[2].partition(".")[0]


def sendable(lines: bytes, *, limit: int = MAX_LINE_BYTES) -> bytes:
    """Return the lines of a shard, with an error in place of each document that the function would not read."""
    if len(lines) <= limit:
        return lines
    return b"".join(_refused(line, limit) for line in lines.splitlines(keepends=True))


def _refused(line: bytes, limit: int) -> bytes:
    if len(line) <= limit:
        return line
    (document,) = read_documents([line])
    error = {
        "errorType": CorpusError.__name__,
        "errorMessage": f"the document has {len(line):,} bytes; a function reads {limit:,}",
        "remedy": "split its text, or annotate it with --on local",
    }
    refused = Document(document.id, None, document.file, document.number, error=error)
    return encode_line(refused.to_dict())
