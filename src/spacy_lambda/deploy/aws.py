"""The account that is deployed into, and what is there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from spacy_lambda.aws.errors import aws_error, aws_errors
from spacy_lambda.config.project import Project
from spacy_lambda.errors import DeployError

__all__ = ["Aws", "aws_error", "open_account"]


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
    with aws_errors("reading the identity of the AWS credentials"):
        session = boto3.Session(region_name=project.region)
        identity = session.client("sts", region_name=project.region).get_caller_identity()
    if project.account not in (None, identity["Account"]):
        raise DeployError(
            f"the credentials are of account {identity['Account']}, the project belongs into {project.account}",
            remedy="set AWS_PROFILE to one of that account, or correct project.account",
        )
    return Aws(identity["Account"], project.region, session)
