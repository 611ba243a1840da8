"""Artifacts in S3, or in any service with its API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from shlex import quote
from typing import Any

from spacy_lambda.core.aws_error_kinds import classify, credentials_problem, credentials_remedy, error_code
from spacy_lambda.core.digest import Digest, parse_digest
from spacy_lambda.core.foreign_errors import connection_reason
from spacy_lambda.core.location import Location
from spacy_lambda.core.source.found_artifact import FoundArtifact, S3Options
from spacy_lambda.core.source.layout import MAX_SMALL_BYTES, artifact_key, resolve
from spacy_lambda.core.streams import CHUNK_BYTES, ChunkStream
from spacy_lambda.errors import DigestError, NotStoredError, StoreError

__all__ = [
    "SHA256_METADATA",
    "find_in_s3",
    "read_object",
    "s3_client",
    "s3_error",
    "s3_errors",
]

TRIES = 5
SHA256_METADATA = "sha256"
"""Key of the artifact's digest in the object's metadata."""


def find_in_s3(location: Location, options: S3Options) -> FoundArtifact:
    """Find an artifact: an object that ends in ``.tar``, or a version or alias in a store.

    :raises NotStoredError: If it does not exist.
    :raises StoreError: If S3 cannot be reached or denies access.
    """
    client = s3_client(options)
    if location.is_artifact:
        key, digest = location.key, location.sha256 or _noted_digest(client, location)
    else:
        root, slash, name = location.key.rpartition("/")
        digest = resolve(location, lambda key: read_object(client, location.bucket, root + slash + key))
        key = root + slash + artifact_key(name, digest)

    return FoundArtifact(
        str(location), digest, None, lambda: nullcontext(ChunkStream(iter(_Chunks(client, location.bucket, key))))
    )


def s3_client(options: S3Options) -> Any:
    """Return the given client, or one that gives up within seconds, because a function's init has ten.

    :raises StoreError: If the AWS configuration is invalid.
    """
    if options.client is not None:
        return options.client
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=2,
        read_timeout=8,
        retries={"mode": "standard", "total_max_attempts": 3},
        # The digest is verified; S3's own checksum would only cost time.
        response_checksum_validation="when_required",
    )
    try:
        # boto3's default session may have loaded the description of S3 already.
        session = boto3 if options.profile is None else boto3.Session(profile_name=options.profile)
        return session.client("s3", endpoint_url=options.endpoint_url, region_name=options.region, config=config)
    except (BotoCoreError, ValueError) as exc:
        raise StoreError(
            f"S3 cannot be used: {exc}", remedy="check the AWS configuration, for example with `aws configure list`"
        ) from exc


def read_object(client: Any, bucket: str, key: str) -> bytes | None:
    """Return a small object, or ``None`` if it does not exist.

    :raises StoreError: If S3 cannot be reached or denies access, or the object is too large.
    """
    from botocore.exceptions import ClientError

    with s3_errors(bucket, key):
        try:
            data: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read(MAX_SMALL_BYTES + 1)
        except ClientError as exc:
            if classify(exc) == "missing":
                return None
            raise
    if len(data) > MAX_SMALL_BYTES:
        raise StoreError(
            f"s3://{bucket}/{key} has more than {MAX_SMALL_BYTES:,} bytes, too many for a pointer or a signature",
            remedy="push the pipeline again",
        )
    return data


@contextmanager
def s3_errors(bucket: str, key: str) -> Iterator[None]:
    """Raise botocore's errors as a :class:`~spacy_lambda.errors.StoreError` with a remedy."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as exc:
        raise s3_error(exc, bucket, key) from exc


def s3_error(error: Exception, bucket: str, key: str) -> StoreError:
    """Return a :class:`~spacy_lambda.errors.StoreError` with a remedy for an error of botocore."""
    place, code, problem = f"s3://{bucket}/{key}", error_code(error), credentials_problem(error)
    if problem is not None:
        return StoreError(f"{place}: {problem}", remedy=credentials_remedy(error))
    if code == "NoSuchBucket":
        return NotStoredError(f"the bucket {bucket!r} does not exist", remedy=f"create it: aws s3 mb s3://{bucket}")
    if code == "InvalidObjectState":
        remedy = f"restore it: aws s3api restore-object --bucket {bucket} --key {quote(key)} --restore-request Days=7"
        return StoreError(f"{place} is in an archive, from which it cannot be read", remedy=remedy)
    details = (getattr(error, "response", None) or {}).get("Error", {}).get("Message")
    message = f"{place}: {code}: {details}" if details else f"{place}: {error}"
    remedy = "check the location and the permissions of this role or user"
    match classify(error):
        case "missing":
            remedy = "check the location; `spacy-lambda ls` lists the pipelines"
            return NotStoredError(f"{place} does not exist", remedy=remedy)
        case "denied":
            message = f"{place}: access denied ({code})"
            remedy = (
                f"allow s3:GetObject, s3:PutObject and s3:ListBucket on {bucket!r} to this role or user; "
                "`aws sts get-caller-identity` shows which"
            )
        case "conflict":
            message, remedy = f"{place} was replaced while it was read", "retry"
        case "unreachable":
            message = f"{place} cannot be reached: {connection_reason(error)}"
            remedy = "check the network and the endpoint; in a VPC without NAT, add a gateway endpoint for S3"
    return StoreError(message, remedy=remedy)


def _noted_digest(client: Any, location: Location) -> Digest | None:
    """Return the digest in the object's metadata; an invalid one is an error."""
    with s3_errors(location.bucket, location.key):
        head = client.head_object(Bucket=location.bucket, Key=location.key)
    noted = [value for key, value in head["Metadata"].items() if key.lower() == SHA256_METADATA]
    try:
        digests = {parse_digest(value, name=f"the metadata {SHA256_METADATA} of {location}") for value in noted}
        if len(digests) > 1:
            raise DigestError(f"{location} has several values of the metadata {SHA256_METADATA}", remedy="")
    except DigestError as exc:
        raise StoreError(
            exc.message,
            remedy="push the pipeline again with `spacy-lambda push`, or name the artifact with #sha256=DIGEST",
        ) from exc
    return next(iter(digests), None)


class _Chunks:
    """An object in chunks; after a broken connection, the next one resumes there."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client, self._bucket, self._key = client, bucket, key
        self._done = 0
        self._etag: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        from botocore import exceptions

        # botocore does not retry once a body has begun.
        broken = (exceptions.HTTPClientError, exceptions.IncompleteReadError)
        tries = TRIES
        while True:
            try:
                body = self._body()
                while chunk := body.read(CHUNK_BYTES):
                    self._done += len(chunk)
                    yield chunk
            except (exceptions.BotoCoreError, exceptions.ClientError) as exc:
                tries -= 1
                if tries == 0 or not isinstance(exc, broken):
                    raise s3_error(exc, self._bucket, self._key) from exc
                time.sleep(0.1 * (TRIES - tries))
            else:
                return

    def _body(self) -> Any:
        """Return the rest of the object, but not of another one that has replaced it."""
        rest = {} if self._etag is None else {"IfMatch": self._etag, "Range": f"bytes={self._done}-"}
        response = self._client.get_object(Bucket=self._bucket, Key=self._key, **rest)
        self._etag = response["ETag"]
        return response["Body"]
