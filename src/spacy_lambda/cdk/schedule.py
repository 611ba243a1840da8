"""Schedules of EventBridge Scheduler, and the role with which it invokes the function."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from .source_settings import ScheduleSource
from .spec import FunctionSpec

__all__ = ["Schedule", "SchedulerRole"]

PING = '{"warmer": true}'
TIME = "<aws.scheduler.scheduled-time>"
"""Replaced by EventBridge Scheduler:
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html"""


class SchedulerRole(Construct):
    """Role that only schedules of this account can assume, and that allows invoking only this alias.

    A role can be limited to a group of schedules, not to one of them:
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html

    :param spec: The function.
    :param alias: The alias that it may invoke.
    :param failed: Queue of failed events.
    """

    def __init__(
        self, scope: Construct, id: str, spec: FunctionSpec, *, alias: lambda_.Alias, failed: sqs.IQueue
    ) -> None:
        super().__init__(scope, id)
        group = f"arn:{Stack.of(self).partition}:scheduler:{spec.region}:{spec.account}:schedule-group/default"
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": spec.account, "aws:SourceArn": group}},
            ),
            description=f"Permissions of the schedules of {spec.function_name}",
        )
        self.policy = iam.Policy(self, "Policy", roles=[self.role])
        self.policy.add_statements(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[alias.function_arn]),
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[failed.queue_arn]),
        )


class Schedule(Construct):
    """A schedule that invokes the alias with a request, or keeps it warm.

    The request comes as an event of EventBridge with an id for each time, so that its prediction is written under that
    name, and once.

    :param spec: The function.
    :param source: Its configuration.
    :param alias: The alias to invoke.
    :param failed: Queue of failed events.
    :param scheduler: The role.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        spec: FunctionSpec,
        source: ScheduleSource,
        *,
        alias: lambda_.Alias,
        failed: sqs.IQueue,
        scheduler: SchedulerRole,
    ) -> None:
        super().__init__(scope, id)
        schedule = scheduler_.CfnSchedule(
            self,
            "Schedule",
            description=f"{spec.function_name}: {'a request' if source.input else 'keeps it warm'}",
            flexible_time_window=scheduler_.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            schedule_expression=source.schedule_expression,
            schedule_expression_timezone=source.timezone,
            target=scheduler_.CfnSchedule.TargetProperty(
                arn=alias.function_arn,
                role_arn=scheduler.role.role_arn,
                input=_event(id, source),
                dead_letter_config=scheduler_.CfnSchedule.DeadLetterConfigProperty(arn=failed.queue_arn),
            ),
        )
        schedule.node.add_dependency(scheduler.policy)


def _event(name: str, source: ScheduleSource) -> str:
    """Return the event of a schedule, in which the request is JSON already.

    :param name: A name that no other schedule has.
    """
    if source.input is None:
        return PING
    head = f'"id": "{name}-{TIME}", "source": "spacy-lambda", "detail-type": "Scheduled Event"'
    return f'{{{head}, "detail": {source.input}}}'
