"""Published versions of a function, and its live alias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.cdk.spec import ALIAS, LIVE_BEFORE
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.stacks import deployed_template, unknown_metadata
from spacy_lambda.errors import DeployError

__all__ = [
    "Version",
    "deployed_image",
    "list_versions",
    "live_before",
    "live_version",
    "newest_version",
    "next_live_before",
    "prune_versions",
    "recorded_before",
    "wait_until_ready",
]

READY_SECONDS = 600


@dataclass(frozen=True)
class Version:
    """One published version.

    :param number: Lambda's number.
    :param published: Time of publication, in ISO 8601.
    :param code_sha256: Digest of its code.
    :param description: Its description.
    :param model: Name and version of its pipeline, such as ``en_my_pipeline 0.1.0-int8``; ``None`` if it is unknown.
    """

    number: int
    published: str
    code_sha256: str
    description: str
    model: str | None = None

    @property
    def digest(self) -> str:
        """The first digits of its pipeline's digest, which the description holds."""
        return self.description.rpartition(" ")[2]


def live_version(aws: AwsAccount, function: str) -> str | None:
    """Return the version of the live alias; ``None`` if there is no function or no alias.

    :raises DeployError: If AWS refuses.
    """
    client = aws.client("lambda")
    with aws_errors(f"reading the alias {ALIAS} of {function}"):
        try:
            return str(client.get_alias(FunctionName=function, Name=ALIAS)["FunctionVersion"])
        except client.exceptions.ResourceNotFoundException:
            return None


def live_before(aws: AwsAccount, function: str) -> tuple[str, ...]:
    """Return the versions of a deployed function that were live before, the latest first; some may be deleted.

    A version that has never been live, such as one that failed its golden tests, is not among them, and neither is one
    that was rolled back from.

    :raises DeployError: If AWS refuses, or a newer spacy-lambda has recorded them.
    """
    return recorded_before(deployed_template(aws, function), function)


def recorded_before(template: Mapping[str, Any], function: str) -> tuple[str, ...]:
    """Return the versions that were live before, from a function's template."""
    try:
        return tuple(str(int(one)) for one in parse_json(template.get("Metadata", {}).get(LIVE_BEFORE, "[]")))
    except (TypeError, ValueError) as exc:
        raise unknown_metadata("versions", function, exc) from exc


def next_live_before(live: str | None, before: Sequence[str], version: str) -> tuple[str, ...]:
    """Return the versions that were live before, once another one is live.

    :param live: The version that is live now.
    :param before: Those that were live before it.
    :param version: The one that becomes live. If it is among them, it is rolled back to.
    """
    if version in before:
        return tuple(before[before.index(version) + 1 :])
    return (*(() if live is None else (live,)), *before)


def list_versions(aws: AwsAccount, function: str) -> list[Version]:
    """List the published versions, newest first; an empty list if there is no function.

    :raises DeployError: If AWS refuses.
    """
    client = aws.client("lambda")
    with aws_errors(f"listing the versions of {function}"):
        try:
            pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
            found = [version for page in pages for version in page["Versions"] if version["Version"] != "$LATEST"]
        except client.exceptions.ResourceNotFoundException:
            return []
    return sorted(map(_version, found), key=lambda version: -version.number)


def _version(described: dict[str, Any]) -> Version:
    return Version(
        int(described["Version"]),
        str(described.get("LastModified", "")),
        str(described.get("CodeSha256", "")),
        str(described.get("Description", "")),
    )


def newest_version(aws: AwsAccount, function: str) -> str:
    """Return the version of the function's code: publishing assigns a number only to what differs from the newest.

    :raises DeployError: If there is none, or it has other code.
    """
    versions = list_versions(aws, function)
    with aws_errors(f"reading the code of {function}"):
        code = aws.client("lambda").get_function_configuration(FunctionName=function)["CodeSha256"]
    if not versions or versions[0].code_sha256 != code:
        raise DeployError(
            f"the code of {function} is not that of its newest version",
            remedy="it was changed outside of spacy-lambda; run `spacy-lambda deploy` again",
        )
    return str(versions[0].number)


def deployed_image(aws: AwsAccount, function: str) -> str:
    """Return the digest of the image that a function has.

    :raises DeployError: If there is no such function, or it has no image with a digest.
    """
    client = aws.client("lambda")
    with aws_errors(f"reading the image of {function}"):
        try:
            code = client.get_function(FunctionName=function)["Code"]
        except client.exceptions.ResourceNotFoundException:
            code = {}
    digest = str(code.get("ImageUri", "")).partition("@")[2]
    if not digest:
        raise DeployError(
            f"no image of {function} is deployed", remedy="run `spacy-lambda deploy` first: it pushes one"
        )
    return digest


def prune_versions(aws: AwsAccount, function: str, *, keep: int, live: str, before: Sequence[str] = ()) -> list[int]:
    """Delete old versions, never the live one. A version with SnapStart costs as long as it exists.

    :param keep: Number of versions to keep, the live one among them.
    :param before: Versions that were live before, the latest first, which are kept rather than others.
    :returns: The deleted versions.
    :raises DeployError: If one cannot be deleted.
    """
    newest = [version.number for version in list_versions(aws, function)]
    first = [int(one) for one in (live, *before) if int(one) in newest]
    stay = [*dict.fromkeys([*first, *newest])][:keep]
    old = [number for number in newest if number not in stay]
    client = aws.client("lambda")
    for number in old:
        with aws_errors(f"deleting version {number} of {function}"):
            client.delete_function(FunctionName=function, Qualifier=str(number))
    return old


def wait_until_ready(aws: AwsAccount, function: str, version: str) -> None:
    """Wait for a version that Lambda is still preparing, as it does for snapshots and images.

    :raises DeployError: If it does not become active.
    """
    waiter = aws.client("lambda").get_waiter("published_version_active")
    with aws_errors(f"waiting for version {version} of {function}"):
        waiter.wait(
            FunctionName=function, Qualifier=version, WaiterConfig={"Delay": 5, "MaxAttempts": READY_SECONDS // 5}
        )
