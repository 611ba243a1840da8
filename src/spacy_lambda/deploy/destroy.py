"""Everything of a function -> nothing; and the proof that nothing is left that costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress

from botocore.exceptions import BotoCoreError, ClientError

from spacy_lambda.cdk.aws_names import FUNCTION_TAG, PROJECT_TAG, bucket_name, stack_name
from spacy_lambda.deploy.aws import Aws, aws_error
from spacy_lambda.deploy.lock import deployment_lock
from spacy_lambda.deploy.stacks import StackResource, find_stack, require_settled, stack_resources
from spacy_lambda.errors import DeployError

__all__ = ["delete_stack", "delete_stored", "destroy_functions", "find_doomed", "leftovers"]


def find_doomed(aws: Aws, stacks: list[str]) -> list[StackResource]:
    """Everything that deleting these stacks would delete; stacks that are not there have nothing.

    :raises DeployError: If one of them is being changed now.
    """
    return [
        one for stack in stacks if require_settled(aws, stack, to_delete=True) for one in stack_resources(aws, stack)
    ]


def delete_stack(aws: Aws, name: str) -> None:
    """Delete a stack, and wait until it is gone.

    :raises DeployError: If CloudFormation cannot.
    """
    client = aws.client("cloudformation")
    try:
        client.delete_stack(StackName=name)
        client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 5, "MaxAttempts": 360})
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, f"deleting the stack {name}") from exc


def delete_stored(aws: Aws, project: str) -> None:
    """Delete the bucket with every version of everything in it, and the repositories of images.

    :raises DeployError: If AWS refuses.
    """
    bucket = bucket_name(project, account=aws.account, region=aws.region)
    s3, ecr = aws.client("s3"), aws.client("ecr")
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            listed = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in listed]
            if objects:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        s3.delete_bucket(Bucket=bucket)
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") != "NoSuchBucket":
            raise aws_error(exc, f"deleting the bucket {bucket}") from exc
    except BotoCoreError as exc:
        raise aws_error(exc, f"deleting the bucket {bucket}") from exc
    try:
        for page in ecr.get_paginator("describe_repositories").paginate():
            for repository in page["repositories"]:
                if repository["repositoryName"].startswith(f"{project}/"):
                    ecr.delete_repository(repositoryName=repository["repositoryName"], force=True)
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, f"deleting the repositories of {project}") from exc


def leftovers(aws: Aws, project: str, names: list[str], *, stored: bool) -> list[str]:
    """What AWS still has of functions that were destroyed: looked up by name and by tag, not by what was deleted.

    :param names: Of the functions.
    :param stored: Whether the bucket and the repositories should be gone too.
    :raises DeployError: If AWS does not tell.
    """
    try:
        return sorted({*_by_name(aws, project, names), *_by_tag(aws, project, names, stored=stored)})
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, "looking for what is left") from exc


def _by_name(aws: Aws, project: str, names: list[str]) -> Iterator[str]:
    client, logs = aws.client("lambda"), aws.client("logs")
    for name in names:
        function = stack_name(project, name)
        with suppress(client.exceptions.ResourceNotFoundException):
            yield str(client.get_function(FunctionName=function)["Configuration"]["FunctionArn"])
        group = f"/aws/lambda/{function}"
        found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        yield from (_bare(one["arn"]) for one in found if one["logGroupName"] == group)


def _by_tag(aws: Aws, project: str, names: list[str], *, stored: bool) -> Iterator[str]:
    filters = [{"Key": PROJECT_TAG, "Values": [project]}]
    if not stored:
        filters.append({"Key": FUNCTION_TAG, "Values": names})
    pages = aws.client("resourcegroupstaggingapi").get_paginator("get_resources").paginate(TagFilters=filters)
    yield from (_bare(one["ResourceARN"]) for page in pages for one in page["ResourceTagMappingList"])


def _bare(arn: str) -> str:
    """Log groups have two forms of an ARN."""
    return arn.removesuffix(":*")


def destroy_functions(aws: Aws, project: str, names: list[str], *, delete_models: bool) -> None:
    """Delete functions, and look whether anything is left.

    :param names: Of the functions, in the project.
    :param delete_models: The bucket and the repositories too.
    :raises DeployError: If one is being deployed, something cannot be deleted, or is still there.
    """
    bucket = bucket_name(project, account=aws.account, region=aws.region)
    with ExitStack() as locks:
        # Without the shared stack there is no bucket, and nothing that could be under way.
        for name in names if find_stack(aws, stack_name(project)) else ():
            locks.enter_context(deployment_lock(aws, bucket, name))
        for name in names:
            delete_stack(aws, stack_name(project, name))
        if delete_models:
            delete_stack(aws, stack_name(project))
            delete_stored(aws, project)
    left = leftovers(aws, project, names, stored=delete_models)
    if left:
        told = "\n".join(f"  {arn}" for arn in left)
        raise DeployError(f"these are still there:\n{told}", remedy="run 'spacy-lambda destroy' again in some minutes")
