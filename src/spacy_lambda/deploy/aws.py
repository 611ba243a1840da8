"""The AWS account and region of a deployment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.config.project import Project
from spacy_lambda.core.loopback import is_loopback_url
from spacy_lambda.errors import DeployError

__all__ = ["AwsAccount", "open_account"]


@dataclass(frozen=True)
class AwsAccount:
    """An account in a region.

    :param account: Twelve digits.
    :param region: Such as ``eu-central-1``.
    :param session: boto3's session.
    :param is_emulated: An emulator on this machine stands in for AWS, as in a rehearsal.
    """

    account: str
    region: str
    session: Any
    is_emulated: bool = False

    def client(self, service: str) -> Any:
        """Create a boto3 client.

        :param service: The service, by boto3's name.
        """
        config = Config(retries={"mode": "standard", "max_attempts": 5})
        return self.session.client(service, region_name=self.region, config=config)


def open_account(project: Project) -> AwsAccount:
    """Return the account of the credentials.

    :param project: The project, with its region and the only account that it may use.
    :raises DeployError: If there are none, AWS does not accept them, or they are of another account than the file's.
    """
    with aws_errors("looking up the AWS account"):
        session = boto3.Session(region_name=project.region)
        client = session.client("sts", region_name=project.region)
        identity = client.get_caller_identity()
    if project.account not in (None, identity["Account"]):
        raise DeployError(
            f"the credentials are of account {identity['Account']}, not of {project.account}, the project's",
            remedy="set AWS_PROFILE to a profile of that account, or correct project.account",
        )
    return AwsAccount(
        identity["Account"], project.region, session, is_emulated=is_loopback_url(client.meta.endpoint_url)
    )
