"""Stacks of the project in CloudFormation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.cdk.aws_names import PROJECT_TAG, stack_name
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.errors import DeployError
from spacy_lambda.extras import install_command

__all__ = [
    "BOOTSTRAP_PARAMETER",
    "COMPLETE",
    "IN_REVIEW",
    "Stack",
    "StackResource",
    "deployed_template",
    "find_stack",
    "is_bootstrapped",
    "require_own",
    "require_settled",
    "stack_resources",
    "unknown_metadata",
]

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
"""Written by ``cdk bootstrap``; hnb659fds is the CDK's default qualifier
(https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html)."""

OLDEST_BOOTSTRAP = 6

COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
"""Statuses of a stack whose last change has succeeded."""

IN_REVIEW = "REVIEW_IN_PROGRESS"
"""Status of a stack that has a change set, and nothing else yet."""

REMEDIES = {
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {name} --region {region}",
    "ROLLBACK_FAILED": "run `spacy-lambda destroy`, and deploy again",
    "DELETE_FAILED": "see the reason in the stack's events, then run `spacy-lambda destroy` again",
}


@dataclass(frozen=True)
class Stack:
    """One stack.

    :param name: Its name.
    :param status: CloudFormation's status.
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
    :param name: Its own, of a form that depends on the type.
    :param logical_id: Its key in the template.
    :param about: The name for people, as plans have it.
    """

    stack: str
    kind: str
    name: str
    logical_id: str = ""
    about: str = ""


def find_stack(aws: AwsAccount, name: str) -> Stack | None:
    """Return a stack; ``None`` if it does not exist.

    :raises DeployError: If AWS refuses.
    """
    with aws_errors(f"looking up the stack {name}"):
        try:
            described = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as exc:
            if "does not exist" in str(exc):
                return None
            raise
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}
    return Stack(name, described["StackStatus"], outputs)


def require_settled(aws: AwsAccount, name: str, *, to_delete: bool = False) -> Stack | None:
    """Return a stack that can be changed now; ``None`` if it does not exist.

    :param to_delete: The change is a deletion, for which a failed state is acceptable.
    :raises DeployError: If a change is in progress, or an earlier one left it in a failed state.
    """
    stack = find_stack(aws, name)
    if stack is None:
        return None
    if stack.status in REMEDIES and not to_delete:
        remedy = REMEDIES[stack.status].format(name=name, region=aws.region)
        raise DeployError(f"the stack {name} is in state {stack.status}", remedy=remedy)
    if stack.status.endswith("_IN_PROGRESS") and stack.status != IN_REVIEW:
        raise DeployError(
            f"a change of the stack {name} is in progress ({stack.status})",
            remedy="wait until it is done (see `spacy-lambda status`), and run this again",
        )
    return stack


def require_own(aws: AwsAccount, project: str, function: str | None = None) -> None:
    """Check that a stack, if it exists, was made for this project: only its name is known until it is looked at.

    An update would delete all resources of another stack of that name, and so would its deletion.

    :param project: Name of the project.
    :param function: Name of the function in it; without one, of the stack that all of them share.
    :raises DeployError: If it has resources, and none with the project's tag.
    """
    name = stack_name(project, function)
    found = find_stack(aws, name)
    if found is None or found.status == IN_REVIEW:
        return
    resources = deployed_template(aws, name).get("Resources", {})
    tags = [one.get("Properties", {}).get("Tags") for one in resources.values()]
    if resources and not any(isinstance(one, list) and {"Key": PROJECT_TAG, "Value": project} in one for one in tags):
        raise DeployError(
            f"the stack {name} exists, and is not of the project {project!r}: no resource in it has the tag"
            f" {PROJECT_TAG} = {project!r}",
            remedy="choose another name for the project or the function",
        )


def stack_resources(aws: AwsAccount, name: str) -> list[StackResource]:
    """List the resources of a stack.

    :raises DeployError: If AWS refuses.
    """
    with aws_errors(f"listing the resources of the stack {name}"):
        pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
        return [
            StackResource(
                name,
                resource["ResourceType"],
                resource.get("PhysicalResourceId", ""),
                resource["LogicalResourceId"],
            )
            for page in pages
            for resource in page["StackResourceSummaries"]
        ]


def deployed_template(aws: AwsAccount, name: str) -> dict[str, Any]:
    """Return the template of a stack, as it was deployed.

    :raises DeployError: If AWS refuses.
    """
    with aws_errors(f"reading the template of the stack {name}"):
        body = aws.client("cloudformation").get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    # botocore has parsed a template in JSON already.
    return dict(body) if isinstance(body, dict) else dict(parse_json(body))


def unknown_metadata(what: str, name: str, cause: Exception) -> DeployError:
    """Return the error for metadata of a template that this version cannot read, because a newer one has written it.

    :param what: What is in the metadata, in the plural.
    :param name: The stack's name.
    :param cause: The error while it was read.
    """
    return DeployError(
        f"the {what} in the template of {name} are unknown: {cause}",
        remedy="deploy with the newer spacy-lambda that made this template;"
        f" to install it: {install_command(option='--upgrade')}",
    )


def is_bootstrapped(aws: AwsAccount) -> bool:
    """Return ``True`` if ``cdk bootstrap`` was run for this account and region, by a version that is new enough.

    :raises DeployError: If AWS refuses.
    """
    client = aws.client("ssm")
    with aws_errors("reading the version of the CDK's bootstrap stack"):
        try:
            found: dict[str, Any] = client.get_parameter(Name=BOOTSTRAP_PARAMETER)
        except client.exceptions.ParameterNotFound:
            return False
    return int(found["Parameter"]["Value"]) >= OLDEST_BOOTSTRAP
