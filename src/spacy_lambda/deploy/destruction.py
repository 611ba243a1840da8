"""Deletion of functions, and the check that nothing of them is left.

The bucket and the repositories of the project, which cost storage, stay unless their deletion is requested.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.cdk.aws_names import FUNCTION_TAG, PROJECT_TAG, bucket_name, stack_name
from spacy_lambda.core.aws_error_kinds import error_code
from spacy_lambda.core.lambda_function import log_group_name
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.lock import deployment_lock
from spacy_lambda.deploy.resources import NOT_A_RESOURCE, resource_name
from spacy_lambda.deploy.stacks import (
    StackResource,
    deployed_template,
    find_stack,
    require_own,
    require_settled,
    stack_resources,
)
from spacy_lambda.errors import DeployError

__all__ = ["destroy", "find_resources_to_delete", "remaining_resources"]

VERSION = "AWS::Lambda::Version"


def find_resources_to_delete(aws: AwsAccount, stacks: list[str]) -> list[StackResource]:
    """List the resources that deleting these stacks would delete; a stack that does not exist has none.

    :raises DeployError: If a change of one of them is in progress.
    """
    return [one for stack in stacks if require_settled(aws, stack, to_delete=True) for one in _named(aws, stack)]


def _named(aws: AwsAccount, stack: str) -> Iterator[StackResource]:
    """Yield the resources of a stack with the names that its plan had; AWS's own are blank or random for some types."""
    template = deployed_template(aws, stack).get("Resources", {})
    for one in stack_resources(aws, stack):
        if one.kind != NOT_A_RESOURCE:
            yield replace(one, about=_about(one, template.get(one.logical_id)))


def _about(resource: StackResource, described: Mapping[str, Any] | None) -> str:
    """Return the name of a deployed resource for people.

    :param described: The resource in the template.
    """
    if resource.kind == VERSION:  # its plan does not know the number yet
        return f"{resource.stack}: version {resource.name[len(resource.name.rstrip('0123456789')) :]}"
    return resource.name if described is None else resource_name(resource.stack, resource.logical_id, described)


def destroy(aws: AwsAccount, project: str, names: list[str], *, delete_models: bool) -> None:
    """Delete functions, and check by name and by tag that nothing is left.

    :param aws: The account and the region.
    :param project: Name of the project.
    :param names: Names of the functions in it.
    :param delete_models: Delete the bucket and the repositories too.
    :raises DeployError: If a stack is another project's, one is being deployed, or a resource cannot be deleted or
        still exists.
    """
    for name in (*names, *([None] if delete_models else [])):
        require_own(aws, project, name)
    bucket = bucket_name(project, account=aws.account, region=aws.region)
    with ExitStack() as locks:
        # Without the shared stack there is no bucket, and no deployment can be in progress.
        for name in names if find_stack(aws, stack_name(project)) else ():
            locks.enter_context(deployment_lock(aws, bucket, name))
        for name in names:
            _delete_stack(aws, stack_name(project, name))
        if delete_models:
            _delete_stack(aws, stack_name(project))
            _delete_bucket(aws, bucket)
            _delete_repositories(aws, project)
    left = remaining_resources(aws, project, names, stored=delete_models)
    if left:
        arns = "\n".join(f"  {arn}" for arn in left)
        raise DeployError(f"these still exist:\n{arns}", remedy="run `spacy-lambda destroy` again in some minutes")


def remaining_resources(aws: AwsAccount, project: str, names: list[str], *, stored: bool) -> list[str]:
    """List the ARNs of resources that still exist, looked up by name and by tag, not among the deleted ones.

    :param names: Names of the functions in the project.
    :param stored: Include the bucket and the repositories.
    :raises DeployError: If AWS refuses.
    """
    with aws_errors("looking up resources that are left"):
        return sorted({*_by_name(aws, project, names), *_by_tag(aws, project, names, stored=stored)})


def _delete_stack(aws: AwsAccount, name: str) -> None:
    client = aws.client("cloudformation")
    with aws_errors(f"deleting the stack {name}"):
        client.delete_stack(StackName=name)
        client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 5, "MaxAttempts": 360})


def _delete_bucket(aws: AwsAccount, bucket: str) -> None:
    """Delete the bucket, with every version of every object."""
    s3 = aws.client("s3")
    with aws_errors(f"deleting the bucket {bucket}"):
        try:
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
                listed = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
                objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in listed]
                if objects:
                    s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            s3.delete_bucket(Bucket=bucket)
        except ClientError as exc:
            if error_code(exc) != "NoSuchBucket":
                raise


def _delete_repositories(aws: AwsAccount, project: str) -> None:
    """Delete the repositories of the project by its tag: others can have names that begin in the same way."""
    ecr = aws.client("ecr")
    with aws_errors(f"deleting the repositories of {project}"):
        for page in ecr.get_paginator("describe_repositories").paginate():
            for repository in page["repositories"]:
                if not repository["repositoryName"].startswith(f"{project}/"):
                    continue
                tags = ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]
                if {"Key": PROJECT_TAG, "Value": project} in tags:
                    ecr.delete_repository(repositoryName=repository["repositoryName"], force=True)


def _by_name(aws: AwsAccount, project: str, names: list[str]) -> Iterator[str]:
    client, logs = aws.client("lambda"), aws.client("logs")
    for name in names:
        function = stack_name(project, name)
        with suppress(client.exceptions.ResourceNotFoundException):
            yield str(client.get_function(FunctionName=function)["Configuration"]["FunctionArn"])
        group = log_group_name(function)
        found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        yield from (_bare(one["arn"]) for one in found if one["logGroupName"] == group)


def _by_tag(aws: AwsAccount, project: str, names: list[str], *, stored: bool) -> Iterator[str]:
    filters = [{"Key": PROJECT_TAG, "Values": [project]}]
    if not stored:
        filters.append({"Key": FUNCTION_TAG, "Values": names})
    pages = aws.client("resourcegroupstaggingapi").get_paginator("get_resources").paginate(TagFilters=filters)
    yield from (_bare(one["ResourceARN"]) for page in pages for one in page["ResourceTagMappingList"])


def _bare(arn: str) -> str:
    """Return the shorter of the two forms that a log group's ARN has."""
    return arn.removesuffix(":*")
