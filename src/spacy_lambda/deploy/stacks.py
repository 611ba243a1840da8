"""CloudFormation's view of our stacks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from spacy_lambda.deploy.aws import Aws, aws_error
from spacy_lambda.errors import DeployError

__all__ = [
    "BOOTSTRAP_PARAMETER",
    "Stack",
    "StackResource",
    "find_stack",
    "is_bootstrapped",
    "require_settled",
    "stack_resources",
]

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
"""Written by ``cdk bootstrap``; hnb659fds is the CDK's default qualifier
(https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html)."""

OLDEST_BOOTSTRAP = 6

REMEDIES = {
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {name} --region {region}",
    "ROLLBACK_FAILED": "delete what is left of it with 'spacy-lambda destroy', and deploy again",
    "DELETE_FAILED": "see why in the stack's events, then run 'spacy-lambda destroy' again",
}


@dataclass(frozen=True)
class Stack:
    """One stack.

    :param name: Its name.
    :param status: CloudFormation's word.
    :param outputs: By key.
    """

    name: str
    status: str
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StackResource:
    """One resource of a stack.

    :param stack: The stack.
    :param kind: CloudFormation's name of its type.
    :param name: Its own.
    """

    stack: str
    kind: str
    name: str


def find_stack(aws: Aws, name: str) -> Stack | None:
    """A stack, if there is one.

    :raises DeployError: If AWS does not tell.
    """
    try:
        described = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as exc:
        if "does not exist" in str(exc):
            return None
        raise aws_error(exc, f"looking for the stack {name}") from exc
    except BotoCoreError as exc:
        raise aws_error(exc, f"looking for the stack {name}") from exc
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}
    return Stack(name, described["StackStatus"], outputs)


def require_settled(aws: Aws, name: str, *, to_delete: bool = False) -> Stack | None:
    """A stack that can be changed now, or none.

    :param to_delete: Whether it is to be deleted: what is in a failed state can be.
    :raises DeployError: If somebody is changing it, or an earlier change left it in a state that needs a hand.
    """
    stack = find_stack(aws, name)
    if stack is None:
        return None
    if stack.status in REMEDIES and not to_delete:
        remedy = REMEDIES[stack.status].format(name=name, region=aws.region)
        raise DeployError(f"the stack {name} is in state {stack.status}", remedy=remedy)
    if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
        raise DeployError(
            f"the stack {name} is being changed at this moment ({stack.status})",
            remedy="wait until it is done ('spacy-lambda status' tells), and run this again",
        )
    return stack


def stack_resources(aws: Aws, name: str) -> list[StackResource]:
    """Everything of a stack that is there.

    :raises DeployError: If AWS does not tell.
    """
    try:
        pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
        return [
            StackResource(name, resource["ResourceType"], resource.get("PhysicalResourceId", ""))
            for page in pages
            for resource in page["StackResourceSummaries"]
        ]
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, f"listing what is in the stack {name}") from exc


def is_bootstrapped(aws: Aws) -> bool:
    """Whether ``cdk bootstrap`` was run for this account and region, by a version that is new enough.

    :raises DeployError: If AWS does not tell.
    """
    client = aws.client("ssm")
    try:
        found: dict[str, Any] = client.get_parameter(Name=BOOTSTRAP_PARAMETER)
    except client.exceptions.ParameterNotFound:
        return False
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, "asking whether the CDK is bootstrapped") from exc
    return int(found["Parameter"]["Value"]) >= OLDEST_BOOTSTRAP
