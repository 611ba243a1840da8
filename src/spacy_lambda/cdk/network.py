"""Network that reaches only the buckets of the pipeline, of event sources, of corpora and of the output, and EFS."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Fn
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from .acknowledge import acknowledge
from .role import BULK_ACTIONS, READ_ACTIONS, WRITE_ACTIONS

__all__ = ["ModelNetwork", "zones"]

NFS = ec2.Port.tcp(2049)
HTTPS = ec2.Port.tcp(443)

ACKNOWLEDGED = {
    "AwsSolutions-VPC7": "Nothing can reach this network, and it reaches this function's objects in S3 only. "
    "CloudTrail's data events can record those requests; flow logs would record the same at a price.",
}


class ModelNetwork(Construct):
    """Isolated subnets in two zones: no NAT, no internet gateway, a gateway endpoint for S3.

    Nothing else is needed: Lambda itself collects logs, metrics and traces, sends failed events, and pulls the image.

    :param readable: Objects that can be read through the endpoint: those of the pipeline, and of event sources.
    :param writable: Objects that can be written through it.
    :param corpora: Objects of corpora, which can be read and written.
    :param account: Account whose roles can do so.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        readable: Sequence[str],
        writable: str | None = None,
        corpora: str | None = None,
        account: str,
    ) -> None:
        super().__init__(scope, id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr("10.0.0.0/24"),
            availability_zones=zones(),
            nat_gateways=0,
            create_internet_gateway=False,
            subnet_configuration=[ec2.SubnetConfiguration(name="models", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)],
            restrict_default_security_group=False,
        )
        acknowledge(self.vpc, ACKNOWLEDGED)
        endpoint = self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        for objects in readable:
            endpoint.add_to_policy(_may(READ_ACTIONS["s3"], objects, account))
        if writable is not None:
            endpoint.add_to_policy(_may(WRITE_ACTIONS["s3"], writable, account))
        if corpora is not None:
            endpoint.add_to_policy(_may(BULK_ACTIONS, corpora, account))
        self.function_group = self._group("Function", "The function: NFS to its cache, HTTPS to the endpoint of S3")
        self.cache_group = self._group("Cache", "The cache: NFS from the function")
        self.function_group.add_egress_rule(self.cache_group, NFS, "EFS")
        self.cache_group.add_ingress_rule(self.function_group, NFS, "the function")
        # S3's addresses change; the only route leads to S3.
        self.function_group.add_egress_rule(ec2.Peer.any_ipv4(), HTTPS, "S3, by the gateway endpoint")

    def _group(self, id: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, id, vpc=self.vpc, description=description, allow_all_outbound=False)


def zones() -> list[str]:
    """Return two availability zones of the region, independent of their names in the account."""
    return [Fn.select(zone, Fn.get_azs()) for zone in range(2)]


def _may(actions: list[str], objects: str, account: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        principals=[iam.AnyPrincipal()],
        actions=actions,
        resources=[objects],
        conditions={"StringEquals": {"aws:PrincipalAccount": account}},
    )
