"""Model cache on EFS, shared by all execution environments of a function."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from .acknowledge import acknowledge, wildcard
from .network import ModelNetwork
from .role import FunctionRole, artifact_resource, bulk_resource, object_resources, written_resource
from .spec import FunctionSpec, SpecError

__all__ = ["MOUNT", "ModelCache"]

MOUNT = "/mnt/models"
FOLDER = "/models"
USER = "1000"

CHANGE = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
]
DESCRIBE = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
EC2 = (
    "Lambda creates and names the interfaces; describing does not support resource-level permissions. "
    "The function's code is denied all of these."
)


class ModelCache(Construct):
    """An encrypted file system, deleted with the stack: its content can be fetched again.

    :param spec: The function; its pipeline is in S3.
    :param role: The function's role, which is allowed to mount it.
    :raises SpecError: If the pipeline is not in S3.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec, role: FunctionRole) -> None:
        super().__init__(scope, id)
        readable = artifact_resource(Stack.of(self), spec)
        if readable is None:
            raise SpecError(
                f"pipeline of {spec.name!r} is {spec.pipeline!r}: a function with EFS can only reach S3",
                remedy="store it in S3, or deploy the function without EFS",
            )
        objects = [readable, *object_resources(Stack.of(self), spec)]
        writable = written_resource(Stack.of(self), spec)
        corpora = bulk_resource(Stack.of(self), spec)
        self.network = ModelNetwork(
            self, "Network", readable=objects, writable=writable, corpora=corpora, account=spec.account
        )
        files = efs.FileSystem(
            self,
            "Files",
            vpc=self.network.vpc,
            security_group=self.network.cache_group,
            encrypted=True,
            throughput_mode=efs.ThroughputMode.ELASTIC,
            enable_automatic_backups=False,
            file_system_policy=iam.PolicyDocument(statements=[_only_tls()]),
            removal_policy=RemovalPolicy.DESTROY,
        )
        point = files.add_access_point(
            "Point",
            path=FOLDER,
            create_acl=efs.Acl(owner_uid=USER, owner_gid=USER, permissions="750"),
            posix_user=efs.PosixUser(uid=USER, gid=USER),
        )
        self.mounted = lambda_.FileSystem.from_efs_access_point(point, MOUNT)
        _allow_mount(role, files, point)
        _allow_interfaces(self, role, spec)


def _only_tls() -> iam.PolicyStatement:
    """Require TLS, and with it IAM's permission: a file system without a policy admits everybody in its network."""
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["elasticfilesystem:Client*"],
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )


def _allow_mount(role: FunctionRole, files: efs.FileSystem, point: efs.AccessPoint) -> None:
    role.allow(
        ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
        [files.file_system_arn],
        conditions={"StringEquals": {"elasticfilesystem:AccessPointArn": point.access_point_arn}},
    )


def _allow_interfaces(scope: Construct, role: FunctionRole, spec: FunctionSpec) -> None:
    """Allow Lambda itself the network interfaces that it needs, and deny them to the function's code.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    where = f"{spec.region}:{spec.account}"
    partition = Stack.of(scope).partition
    interfaces = f"arn:{partition}:ec2:{where}:*/*"
    role.allow(CHANGE, [interfaces])
    role.allow(DESCRIBE, ["*"])
    function = f"arn:{partition}:lambda:{where}:function:{spec.function_name}"
    role.policy.add_statements(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=[*CHANGE, *DESCRIBE],
            resources=["*"],
            conditions={"ArnEquals": {"lambda:SourceFunctionArn": function}},
        )
    )
    acknowledge(role.policy, {"AwsSolutions-IAM5[Resource::*]": EC2, wildcard(scope, interfaces): EC2})
