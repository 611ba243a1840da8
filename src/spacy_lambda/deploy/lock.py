"""One deployment of a function at a time: an object in the project's bucket that only one can create.

S3 creates an object only where there is none when it is asked to
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
"""

from __future__ import annotations

import getpass
import json
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.deploy.aws import Aws, aws_error
from spacy_lambda.errors import DeployError

__all__ = ["deployment_lock"]

STALE = timedelta(hours=1)
"""A lock of this age was left by a deployment that was killed."""

TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}


@contextmanager
def deployment_lock(aws: Aws, bucket: str, function: str) -> Iterator[None]:
    """Hold the lock of a function; it is given back however the work ends, unless somebody has taken it over.

    :raises DeployError: If somebody else holds it: who, and since when.
    """
    client, key = aws.client("s3"), f"locks/{function}.json"
    mine = {
        "by": f"{getpass.getuser()}@{platform.node()}",
        "since": datetime.now(UTC).isoformat(),
        "id": str(uuid4()),
    }
    if not _take(client, bucket, key, mine):
        held = _held(client, bucket, key)
        since = datetime.fromisoformat(held["since"]) if held else None
        if since is not None and datetime.now(UTC) - since < STALE:
            raise DeployError(
                f"{function} is being deployed by {held['by']}, since {since:%H:%M:%S} UTC",
                remedy=f"wait until that is done; where it was killed, delete s3://{bucket}/{key}",
            )
        _delete(client, bucket, key)
        if not _take(client, bucket, key, mine):
            raise DeployError(f"{function} is being deployed by somebody else", remedy="wait until that is done")
    try:
        yield
    finally:
        if _held(client, bucket, key).get("id") == mine["id"]:
            _delete(client, bucket, key)


def _take(client: Any, bucket: str, key: str, mine: dict[str, str]) -> bool:
    try:
        client.put_object(Bucket=bucket, Key=key, Body=json.dumps(mine).encode(), IfNoneMatch="*")
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") in TAKEN:
            return False
        raise aws_error(exc, f"taking the lock s3://{bucket}/{key}") from exc
    except BotoCoreError as exc:
        raise aws_error(exc, f"taking the lock s3://{bucket}/{key}") from exc
    return True


def _held(client: Any, bucket: str, key: str) -> dict[str, str]:
    try:
        return dict(parse_json(client.get_object(Bucket=bucket, Key=key)["Body"].read()))
    except (ClientError, BotoCoreError, ValueError):
        return {}


def _delete(client: Any, bucket: str, key: str) -> None:
    try:
        client.delete_object(Bucket=bucket, Key=key)
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, f"giving back the lock s3://{bucket}/{key}") from exc
