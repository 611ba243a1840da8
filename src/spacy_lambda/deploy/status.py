"""How the functions of a project are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from spacy_lambda.cdk.aws_names import stack_name
from spacy_lambda.cdk.spec import ALIAS
from spacy_lambda.deploy.aws import Aws, aws_error
from spacy_lambda.deploy.stacks import find_stack, stack_resources
from spacy_lambda.deploy.versions import Version, list_versions, live_version

__all__ = ["FunctionStatus", "function_status"]

PERIOD = timedelta(days=1)


@dataclass(frozen=True)
class FunctionStatus:
    """One function.

    :param name: Its name in AWS.
    :param stack: The stack's state; ``None`` where it is not deployed.
    :param live: The version that is live.
    :param versions: Every published version, newest first.
    :param url: The Function URL.
    :param alarms: Names of those that ring.
    :param invocations: Of the last day.
    :param errors: Of the last day.
    """

    name: str
    stack: str | None
    live: str | None = None
    versions: tuple[Version, ...] = ()
    url: str | None = None
    alarms: tuple[str, ...] = ()
    invocations: int = 0
    errors: int = 0


def function_status(aws: Aws, project: str, name: str) -> FunctionStatus:
    """Ask AWS how a function is.

    :raises DeployError: If AWS does not tell.
    """
    function = stack_name(project, name)
    stack = find_stack(aws, function)
    if stack is None:
        return FunctionStatus(function, None)
    try:
        return FunctionStatus(
            function,
            stack.status,
            live_version(aws, function),
            tuple(list_versions(aws, function)),
            stack.outputs.get("Url"),
            _ringing(aws, function),
            _sum(aws, function, "Invocations"),
            _sum(aws, function, "Errors"),
        )
    except (ClientError, BotoCoreError) as exc:
        raise aws_error(exc, f"asking how {function} is") from exc


def _ringing(aws: Aws, function: str) -> tuple[str, ...]:
    names = [one.name for one in stack_resources(aws, function) if one.kind == "AWS::CloudWatch::Alarm"]
    if not names:
        return ()
    alarms: list[Any] = aws.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    return tuple(alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM")


def _sum(aws: Aws, function: str, metric: str) -> int:
    now = datetime.now(UTC)
    found = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[
            {"Name": "FunctionName", "Value": function},
            {"Name": "Resource", "Value": f"{function}:{ALIAS}"},
        ],
        StartTime=now - PERIOD,
        EndTime=now,
        Period=int(PERIOD.total_seconds()),
        Statistics=["Sum"],
    )
    return int(sum(point["Sum"] for point in found["Datapoints"]))
