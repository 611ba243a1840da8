"""Gradual move of traffic to a new version."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from .acknowledge import acknowledge
from .spec import FunctionSpec

__all__ = ["CONFIGS", "Canary"]

CONFIGS = {
    "10percent-5minutes": codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
    "10percent-15minutes": codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_15_MINUTES,
    "linear-10percent-1minute": codedeploy.LambdaDeploymentConfig.LINEAR_10_PERCENT_EVERY_1_MINUTE,
}

POLICY = (
    "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited]"
)
ACKNOWLEDGED = {
    POLICY: "Only CodeDeploy can take this role, and AWS keeps in this policy what CodeDeploy needs. If one of our own "
    "lacked something, that would show only while a release is under way.",
}


class Canary(Construct):
    """CodeDeploy moves the alias in steps, and back as soon as an alarm is in ALARM.

    :param spec: The function; its canary is not ``all-at-once``.
    :param alias: The alias to move.
    :param alarms: Alarms that move it back.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        spec: FunctionSpec,
        *,
        alias: lambda_.Alias,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, id)
        name = spec.function_name
        group = codedeploy.LambdaDeploymentGroup(
            self,
            "Group",
            application=codedeploy.LambdaApplication(self, "Application", application_name=name),
            deployment_group_name=name,
            alias=alias,
            alarms=list(alarms),
            deployment_config=CONFIGS[spec.config.canary],
            auto_rollback=codedeploy.AutoRollbackConfig(failed_deployment=True, stopped_deployment=True),
        )
        acknowledge(group, ACKNOWLEDGED)
