"""An image -> a registry, and its reference by digest, which no later push changes."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.bundler.image.build import read_record
from spacy_lambda.bundler.image.engines import ENGINES, ContainerEngine
from spacy_lambda.errors import BundleError

__all__ = ["PushedImage", "push_image"]

ECR = re.compile(r"(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.(amazonaws\.com(\.cn)?|on\.aws)$")
REFERENCE = re.compile(
    r"(?P<registry>[^/]+\.[^/]+|[^/]+:\d+|localhost)/(?P<name>[a-z0-9][a-z0-9._/-]*)(:(?P<tag>[\w.-]+))?"
)
PERMISSIONS = "allow ecr:GetAuthorizationToken, ecr:DescribeRepositories and pushing to this repository"


@dataclass(frozen=True)
class PushedImage:
    """An image in a registry.

    :param reference: ``REGISTRY/NAME@sha256:...``, for Lambda's ``ImageUri``.
    :param tag: Its tag.
    """

    reference: str
    tag: str


def push_image(folder: Path, destination: str, *, create: bool = False) -> PushedImage:
    """Push the image that was built from a folder; for ECR, log in first.

    :param folder: The output of ``bundle --shape image``.
    :param destination: ``REGISTRY/NAME`` or ``REGISTRY/NAME:TAG``; by default the bundle's name is the tag.
    :param create: Create the ECR repository if it is missing, with scans on push and immutable tags.
    :raises BundleError: If the image does not exist, or the registry refuses.
    """
    match = REFERENCE.fullmatch(destination)
    if match is None:
        raise BundleError(
            f"{destination!r} is not an image's name in a registry", remedy="write REGISTRY/NAME or REGISTRY/NAME:TAG"
        )
    built = read_record(folder)
    engine = ENGINES[str(built.engine)]
    registry, name = match["registry"], match["name"]
    tag = match["tag"] or built.tag.partition("/")[2].partition(":")[0]
    ecr = ECR.match(registry)
    if ecr is not None:
        _log_in_to_ecr(engine, registry, name, region=ecr["region"], account=ecr["account"], create=create)
    digest = engine.push_image(str(built.id), f"{registry}/{name}:{tag}")
    return PushedImage(f"{registry}/{name}@{digest}", tag)


def _log_in_to_ecr(
    engine: ContainerEngine, registry: str, name: str, *, region: str, account: str, create: bool
) -> None:
    """Log in with the AWS credentials of this machine:
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html.
    """
    import boto3

    with aws_errors(f"logging in to {registry}", raises=BundleError, permissions=PERMISSIONS):
        ecr = boto3.client("ecr", region_name=region)
        _require_repository(ecr, name, account, create=create)
        token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode("ascii").partition(":")
    engine.login(registry, user, password)


def _require_repository(ecr: Any, name: str, account: str, *, create: bool) -> None:
    try:
        ecr.describe_repositories(registryId=account, repositoryNames=[name])
    except ecr.exceptions.RepositoryNotFoundException as exc:
        if not create:
            raise BundleError(
                f"the ECR repository {name!r} does not exist",
                remedy=f"add --create, or create it: aws ecr create-repository --repository-name {name}"
                f" --region {ecr.meta.region_name}",
            ) from exc
        ecr.create_repository(
            registryId=account,
            repositoryName=name,
            imageTagMutability="IMMUTABLE",
            imageScanningConfiguration={"scanOnPush": True},
        )
