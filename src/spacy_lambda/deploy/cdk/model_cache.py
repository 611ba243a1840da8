"""The cache of models on EFS, which all environments of a function share."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from spacy_lambda.config.aws_names import stack_name
from spacy_lambda.deploy.cdk.acknowledge import acknowledge, wildcard
from spacy_lambda.deploy.cdk.network import ModelNetwork
from spacy_lambda.deploy.cdk.role import FunctionRole, artifact_resource, written_resource
from spacy_lambda.deploy.spec import FunctionSpec

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
    "Lambda makes the interfaces and names them, and describing knows no resources. The function's code is denied all."
)


class ModelCache(Construct):
    """An encrypted file system that goes with the stack: what is in it can be fetched again.

    :param spec: The function; its pipeline is in S3.
    :param role: The function's, which may mount it.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec, role: FunctionRole) -> None:
        super().__init__(scope, id)
        readable = artifact_resource(Stack.of(self), str(spec.pipeline))
        writable = written_resource(Stack.of(self), spec)
        self.network = ModelNetwork(self, "Network", readable=readable, writable=writable, account=spec.account)
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
    """A file system with a policy lets in nobody whom IAM does not allow it; without one, everybody in the network."""
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
    """What Lambda needs for a network, and the function's own code does not.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    where = f"{spec.region}:{spec.account}"
    partition = Stack.of(scope).partition
    interfaces = f"arn:{partition}:ec2:{where}:*/*"
    role.allow(CHANGE, [interfaces])
    role.allow(DESCRIBE, ["*"])
    function = f"arn:{partition}:lambda:{where}:function:{stack_name(spec.project, spec.name)}"
    role.policy.add_statements(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=[*CHANGE, *DESCRIBE],
            resources=["*"],
            conditions={"ArnEquals": {"lambda:SourceFunctionArn": function}},
        )
    )
    acknowledge(role.policy, {"AwsSolutions-IAM5[Resource::*]": EC2, wildcard(scope, interfaces): EC2})
