"""The account that is deployed into, and what is there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)

from spacy_lambda.config.project import Project
from spacy_lambda.errors import DeployError

__all__ = ["Aws", "aws_error", "open_account"]

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
UNKNOWN = {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
LOGIN = "log in ('aws sso login', 'aws configure'), or set AWS_PROFILE"


@dataclass(frozen=True)
class Aws:
    """One account in one region.

    :param account: Twelve digits.
    :param region: Such as ``eu-central-1``.
    :param session: What clients are made of.
    """

    account: str
    region: str
    session: Any

    def client(self, service: str) -> Any:
        """A client of boto3."""
        config = Config(retries={"mode": "standard", "max_attempts": 5})
        return self.session.client(service, region_name=self.region, config=config)


def open_account(project: Project) -> Aws:
    """Find out whose credentials these are.

    :raises DeployError: If there are none, they are not accepted, or they are of another account than the file's.
    """
    try:
        session = boto3.Session(region_name=project.region)
        identity = session.client("sts", region_name=project.region).get_caller_identity()
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, "asking AWS who we are") from exc
    if project.account not in (None, identity["Account"]):
        raise DeployError(
            f"the credentials are of account {identity['Account']}, the project belongs into {project.account}",
            remedy="set AWS_PROFILE to one of that account, or correct project.account",
        )
    return Aws(identity["Account"], project.region, session)


def aws_error(error: Exception, what: str) -> DeployError:
    """botocore's error as ours. Nothing of the credentials is in it.

    :param what: What was tried.
    """
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", "Unknown"))
        message = str(error.response.get("Error", {}).get("Message", ""))
        if code in EXPIRED:
            return DeployError(f"{what}: the credentials have expired", remedy=LOGIN)
        if code in UNKNOWN:
            return DeployError(f"{what}: AWS does not accept the credentials ({code})", remedy=LOGIN)
        if code in DENIED:
            return DeployError(
                f"{what}: not allowed: {message}",
                remedy="docs/deploy.md lists the permissions that deploying needs",
            )
        return DeployError(f"{what}: {code}: {message}", remedy="try again; docs/deploy.md tells what is needed")
    if isinstance(error, NoCredentialsError | ProfileNotFound | TokenRetrievalError):
        return DeployError(f"{what}: there are no AWS credentials here ({error})", remedy=LOGIN)
    return DeployError(f"{what}: {error}", remedy="check the network, the region and AWS_ENDPOINT_URL where it is set")
