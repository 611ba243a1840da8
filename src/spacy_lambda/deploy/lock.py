"""Lock of a deployment: an object in the project's bucket, which S3 creates only if it does not exist
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
"""

from __future__ import annotations

import getpass
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.aws.lock_holder import has_ended, this_process
from spacy_lambda.core.aws_error_kinds import classify
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.errors import DeployError

__all__ = ["deployment_lock"]

STALE_AFTER = timedelta(hours=1)
"""Age of a lock whose deployment must have been killed."""


@contextmanager
def deployment_lock(aws: AwsAccount, bucket: str, function: str) -> Iterator[None]:
    """Hold the lock of a function, and release it at the end unless another deployment has taken it over.

    :raises DeployError: If another deployment holds it; names its user and start.
    """
    client, key = aws.client("s3"), f"locks/{function}.json"
    mine = {
        "by": f"{_user()}@{platform.node()}",
        "since": datetime.now(UTC).isoformat(),
        "id": str(uuid4()),
        **this_process(),
    }
    if not _take(client, bucket, key, mine):
        held = _held(client, bucket, key)
        since = datetime.fromisoformat(held["since"]) if held else None
        if since is not None and datetime.now(UTC) - since < STALE_AFTER and not has_ended(held):
            raise DeployError(
                f"{function} is being deployed by {held['by']}, since {since:%Y-%m-%d %H:%M:%S} UTC",
                remedy=f"wait until it is done; if it was killed, delete s3://{bucket}/{key}",
            )
        _delete(client, bucket, key)
        if not _take(client, bucket, key, mine):
            raise DeployError(f"{function} is being deployed by another process", remedy="wait until it is done")
    try:
        yield
    finally:
        if _held(client, bucket, key).get("id") == mine["id"]:
            _delete(client, bucket, key)


def _user() -> str:
    """Return the user's name, or its number where the system does not know it, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"uid {os.getuid()}"


def _take(client: Any, bucket: str, key: str, mine: dict[str, str]) -> bool:
    with aws_errors(f"taking the lock s3://{bucket}/{key}"):
        try:
            client.put_object(Bucket=bucket, Key=key, Body=json.dumps(mine).encode(), IfNoneMatch="*")
        except ClientError as exc:
            if classify(exc) == "conflict":
                return False
            raise
    return True


def _held(client: Any, bucket: str, key: str) -> dict[str, str]:
    try:
        return dict(parse_json(client.get_object(Bucket=bucket, Key=key)["Body"].read()))
    except (ClientError, BotoCoreError, ValueError):
        return {}


def _delete(client: Any, bucket: str, key: str) -> None:
    with aws_errors(f"releasing the lock s3://{bucket}/{key}"):
        client.delete_object(Bucket=bucket, Key=key)
