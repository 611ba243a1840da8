"""State of deployed functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from spacy_lambda.aws.errors import aws_errors
from spacy_lambda.cdk.aws_names import stack_name
from spacy_lambda.cdk.spec import ALIAS
from spacy_lambda.config.project import Project
from spacy_lambda.core.metric_names import FUNCTION_DIMENSION
from spacy_lambda.core.source.found_artifact import S3Options
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.preparation import store_location
from spacy_lambda.deploy.source_status import SourceStatus, source_statuses
from spacy_lambda.deploy.stacks import StackResource, find_stack, stack_resources
from spacy_lambda.deploy.tuning_record import find_tuning
from spacy_lambda.deploy.versions import Version, list_versions, live_before, live_version
from spacy_lambda.errors import StoreError
from spacy_lambda.store.factory import open_store

__all__ = ["FunctionStatus", "status", "stored_models"]

PERIOD = timedelta(days=1)
DIGITS = 12
"""Digits of a pipeline's digest in the description of a version."""


@dataclass(frozen=True)
class FunctionStatus:
    """State of one function.

    :param name: Its name in AWS.
    :param stack: Status of its stack; ``None`` if it is not deployed.
    :param live: The version that is live.
    :param versions: The published versions, newest first.
    :param url: The Function URL.
    :param alarms: Names of the alarms in ALARM.
    :param invocations: Invocations of the last day; ``None`` in a rehearsal, which has no metrics.
    :param errors: Errors of the last day; ``None`` in a rehearsal.
    :param sources: What invokes the live version: event sources, and the state machine that annotates corpora.
    :param live_before: The versions that were live before, the latest first.
    :param tuning: What an interrupted `tune` has left, in words.
    """

    name: str
    stack: str | None
    live: str | None = None
    versions: tuple[Version, ...] = ()
    url: str | None = None
    alarms: tuple[str, ...] = ()
    invocations: int | None = 0
    errors: int | None = 0
    sources: tuple[SourceStatus, ...] = ()
    live_before: tuple[str, ...] = ()
    tuning: str | None = None


def stored_models(project: Project, aws: AwsAccount) -> dict[str, str]:
    """Return name and version of the pipelines in the project's bucket, by the first digits of their digests.

    A version that was replaced, as during development, is not among them.
    """
    store = open_store(store_location(project, aws), s3=S3Options(client=aws.client("s3")))
    try:
        return {str(one.sha256)[:DIGITS]: f"{one.name} {one.version}" for one in store.versions()}
    except StoreError:  # there is no bucket yet, or the role may not list it
        return {}


def status(
    aws: AwsAccount, project: str, name: str, *, models: Mapping[str, str] = MappingProxyType({})
) -> FunctionStatus:
    """Look up the state of a function.

    :param aws: The account and the region.
    :param project: Name of the project.
    :param name: Name of the function in it.
    :param models: See :func:`stored_models`.
    :raises DeployError: If AWS refuses.
    """
    function = stack_name(project, name)
    stack = find_stack(aws, function)
    if stack is None:
        return FunctionStatus(function, None)
    resources = stack_resources(aws, function)
    live = live_version(aws, function)
    with aws_errors(f"reading the state of {function}"):
        return FunctionStatus(
            function,
            stack.status,
            live,
            tuple(replace(one, model=models.get(one.digest)) for one in list_versions(aws, function)),
            stack.outputs.get("Url"),
            _alarms(aws, resources),
            _sum(aws, function, "Invocations"),
            _sum(aws, function, "Errors"),
            source_statuses(aws, resources),
            live_before(aws, function) if live else (),
            None if (tuning := find_tuning(aws.client("lambda"), function)) is None else str(tuning),
        )


def _alarms(aws: AwsAccount, resources: Iterable[StackResource]) -> tuple[str, ...]:
    names = [one.name for one in resources if one.kind == "AWS::CloudWatch::Alarm"]
    if not names:
        return ()
    alarms: list[Any] = aws.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    return tuple(alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM")


def _sum(aws: AwsAccount, function: str, metric: str) -> int:
    now = datetime.now(UTC)
    found = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[
            {"Name": FUNCTION_DIMENSION, "Value": function},
            {"Name": "Resource", "Value": f"{function}:{ALIAS}"},
        ],
        StartTime=now - PERIOD,
        EndTime=now,
        Period=int(PERIOD.total_seconds()),
        Statistics=["Sum"],
    )
    return int(sum(point["Sum"] for point in found["Datapoints"]))
