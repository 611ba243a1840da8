"""ECR repository of one function's images."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from .aws_names import repository_name, stack_name
from .spec import SharedSpec

__all__ = ["ImageRepository"]

KEPT_IMAGES = 30
"""More than the versions that are ever kept: an image must outlive the versions that run it."""


class ImageRepository(Construct):
    """A repository from which only this function may pull. It is retained when its stack is deleted.

    :param function: Name of the function in the project.
    """

    def __init__(self, scope: Construct, id: str, spec: SharedSpec, function: str) -> None:
        super().__init__(scope, id)
        self.repository = ecr.Repository(
            self,
            "Repository",
            repository_name=repository_name(spec.project, function),
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            lifecycle_rules=[ecr.LifecycleRule(description="the newest images", max_image_count=KEPT_IMAGES)],
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.repository.add_to_resource_policy(_may_pull(Stack.of(self).partition, spec, function))


def _may_pull(partition: str, spec: SharedSpec, function: str) -> iam.PolicyStatement:
    """Allow one function to pull: without this, Lambda adds a policy for all functions of the account."""
    arn = f"arn:{partition}:lambda:{spec.region}:{spec.account}:function:{stack_name(spec.project, function)}"
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal("lambda.amazonaws.com")],
        actions=["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        conditions={"StringLike": {"aws:sourceArn": [arn, f"{arn}:*"]}},
    )
