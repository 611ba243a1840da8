"""Log group of the function."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from ..core.lambda_function import log_group_name
from .spec import FunctionSpec

__all__ = ["make_log_group"]


def make_log_group(scope: Construct, id: str, spec: FunctionSpec) -> logs.LogGroup:
    """Create a log group: the one that Lambda creates never expires, and stays when the function is deleted."""
    group = logs.LogGroup(
        scope,
        id,
        log_group_name=log_group_name(spec.function_name),
        removal_policy=RemovalPolicy.DESTROY,
    )
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)
    # The construct accepts only members of an enumeration.
    resource.retention_in_days = spec.config.log_retention
    return group
