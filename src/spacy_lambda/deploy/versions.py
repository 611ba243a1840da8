"""The published versions of a function, and which of them is live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from spacy_lambda.cdk.spec import ALIAS
from spacy_lambda.deploy.aws import Aws, aws_error
from spacy_lambda.errors import DeployError

__all__ = [
    "Version",
    "deployed_image",
    "list_versions",
    "live_version",
    "newest_version",
    "prune_versions",
    "wait_until_ready",
]

READY_SECONDS = 600


@dataclass(frozen=True)
class Version:
    """One published version.

    :param number: As Lambda counts.
    :param published: When, in ISO 8601.
    :param code_sha256: Of its code.
    :param description: What was said of it when it was published.
    """

    number: int
    published: str
    code_sha256: str
    description: str


def live_version(aws: Aws, function: str) -> str | None:
    """The version that the alias names; ``None`` where there is no function or no alias.

    :raises DeployError: If AWS does not tell.
    """
    client = aws.client("lambda")
    try:
        alias = client.get_alias(FunctionName=function, Name=ALIAS)
    except client.exceptions.ResourceNotFoundException:
        return None
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, f"asking for the alias {ALIAS} of {function}") from exc
    return str(alias["FunctionVersion"])


def list_versions(aws: Aws, function: str) -> list[Version]:
    """Every published version, newest first; none where there is no function.

    :raises DeployError: If AWS does not tell.
    """
    client = aws.client("lambda")
    try:
        pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
        found = [version for page in pages for version in page["Versions"] if version["Version"] != "$LATEST"]
    except client.exceptions.ResourceNotFoundException:
        return []
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, f"listing the versions of {function}") from exc
    return sorted(map(_version, found), key=lambda version: -version.number)


def _version(described: dict[str, Any]) -> Version:
    return Version(
        int(described["Version"]),
        str(described.get("LastModified", "")),
        str(described.get("CodeSha256", "")),
        str(described.get("Description", "")),
    )


def newest_version(aws: Aws, function: str) -> str:
    """The version of the code that the function has: publishing gives a number only to what differs from the newest.

    :raises DeployError: If there is none, or it has other code.
    """
    versions = list_versions(aws, function)
    try:
        code = aws.client("lambda").get_function_configuration(FunctionName=function)["CodeSha256"]
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, f"asking which code {function} has") from exc
    if not versions or versions[0].code_sha256 != code:
        raise DeployError(
            f"{function} has code that is no published version",
            remedy="somebody changed it by hand; run 'spacy-lambda deploy' again",
        )
    return str(versions[0].number)


def deployed_image(aws: Aws, function: str) -> str:
    """The digest of the image that a function has.

    :raises DeployError: If there is no such function, or it has none that is named by its digest.
    """
    client = aws.client("lambda")
    try:
        code = client.get_function(FunctionName=function)["Code"]
    except client.exceptions.ResourceNotFoundException:
        code = {}
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, f"asking which image {function} has") from exc
    digest = str(code.get("ImageUri", "")).partition("@")[2]
    if not digest:
        raise DeployError(
            f"no image of {function} is deployed", remedy="run 'spacy-lambda deploy' first: it pushes one"
        )
    return digest


def prune_versions(aws: Aws, function: str, *, keep: int, live: str) -> list[int]:
    """Delete all but the newest versions; never the live one. Each that stays may cost, with SnapStart always.

    :param keep: How many stay, the live one among them.
    :return: Those that are gone.
    :raises DeployError: If one cannot be deleted.
    """
    newest = [version.number for version in list_versions(aws, function)]
    stay = {int(live), *[number for number in newest if number != int(live)][: keep - 1]}
    gone = [number for number in newest if number not in stay]
    client = aws.client("lambda")
    for number in gone:
        try:
            client.delete_function(FunctionName=function, Qualifier=str(number))
        except (ClientError, BotoCoreError) as exc:
            raise aws_error(exc, f"deleting version {number} of {function}") from exc
    return gone


def wait_until_ready(aws: Aws, function: str, version: str) -> None:
    """Wait for a version that Lambda is still preparing, as it does for snapshots and images.

    :raises DeployError: If it never gets ready.
    """
    waiter = aws.client("lambda").get_waiter("published_version_active")
    try:
        waiter.wait(
            FunctionName=function, Qualifier=version, WaiterConfig={"Delay": 5, "MaxAttempts": READY_SECONDS // 5}
        )
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, f"waiting for version {version} of {function}") from exc
