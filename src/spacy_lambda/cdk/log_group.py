"""The function's log group."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from .spec import FunctionSpec

__all__ = ["make_log_group"]


def make_log_group(scope: Construct, id: str, spec: FunctionSpec) -> logs.LogGroup:
    """A group of our own: the one that Lambda makes keeps everything for ever, and stays when the function goes."""
    group = logs.LogGroup(
        scope,
        id,
        log_group_name=f"/aws/lambda/{spec.function_name}",
        removal_policy=RemovalPolicy.DESTROY,
    )
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)
    # The construct takes an enumeration of names, which says nothing that the number does not.
    resource.retention_in_days = spec.config.log_retention
    return group
