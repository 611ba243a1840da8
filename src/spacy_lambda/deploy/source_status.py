"""State of what invokes a live version: its event sources, and the state machine that annotates corpora."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from botocore.exceptions import ClientError

from spacy_lambda.core.aws_error_kinds import classify
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.stacks import StackResource

__all__ = ["SourceStatus", "source_statuses"]

DENIED = "state unknown: access denied"


@dataclass(frozen=True)
class SourceStatus:
    """State of one event source, or of the state machine.

    :param kind: ``sqs``, ``kinesis``, ``s3``, ``schedule`` or ``bulk``; ``mapping`` if the lookup of a queue or stream
        was denied.
    :param name: Its ARN; of a bucket, the beginning of its objects; of a schedule, its expression.
    :param state: AWS's state of the connection.
    :param batch_size: Maximum messages or records of an invocation.
    :param failed_to: ARN of the queue that gets what fails.
    :param last_result: The last result that AWS reports.
    """

    kind: str
    name: str
    state: str
    batch_size: int | None = None
    failed_to: str | None = None
    last_result: str | None = None


def source_statuses(aws: AwsAccount, resources: Iterable[StackResource]) -> tuple[SourceStatus, ...]:
    """Look up the event sources and the state machine among the resources of a function's stack."""
    return tuple(_status(aws, one) for one in resources if one.kind in READERS)


def _status(aws: AwsAccount, resource: StackResource) -> SourceStatus:
    kind, read = READERS[resource.kind]
    try:
        return read(aws, resource.name)
    except ClientError as exc:
        if classify(exc) != "denied":
            raise
        return SourceStatus(kind, resource.name, DENIED)


def _mapping(aws: AwsAccount, uuid: str) -> SourceStatus:
    found = aws.client("lambda").get_event_source_mapping(UUID=uuid)
    arn = str(found["EventSourceArn"])
    kind = arn.split(":")[2]
    on_failure = found.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return SourceStatus(
        kind,
        arn,
        str(found["State"]),
        found.get("BatchSize"),
        _redrive_target(aws, arn) if kind == "sqs" else on_failure,
        found.get("LastProcessingResult"),
    )


def _redrive_target(aws: AwsAccount, queue: str) -> str | None:
    """Return the ARN of a queue's dead-letter queue; ``None`` without one, or if it cannot be looked up."""
    name, account = queue.split(":")[5], queue.split(":")[4]
    client = aws.client("sqs")
    try:
        url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
        attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"]).get("Attributes", {})
    except ClientError:
        return None
    policy = attributes.get("RedrivePolicy")
    return None if policy is None else str(parse_json(policy)["deadLetterTargetArn"])


def _rule(aws: AwsAccount, name: str) -> SourceStatus:
    client = aws.client("events")
    found, targets = client.describe_rule(Name=name), client.list_targets_by_rule(Rule=name)["Targets"]
    queues = [one["DeadLetterConfig"]["Arn"] for one in targets if "DeadLetterConfig" in one]
    objects = str(found.get("Description", "")).partition("new objects of ")[2]
    return SourceStatus("s3", objects or name, str(found["State"]), failed_to=next(iter(queues), None))


def _schedule(aws: AwsAccount, name: str) -> SourceStatus:
    found = aws.client("scheduler").get_schedule(Name=name)
    queue = found["Target"].get("DeadLetterConfig", {}).get("Arn")
    return SourceStatus("schedule", str(found["ScheduleExpression"]), str(found["State"]), failed_to=queue)


def _state_machine(aws: AwsAccount, arn: str) -> SourceStatus:
    client = aws.client("stepfunctions")
    state = str(client.describe_state_machine(stateMachineArn=arn)["status"])
    newest: list[Any] = client.list_executions(stateMachineArn=arn, maxResults=1)["executions"]
    last = [f"{one['status']}, started {one['startDate'].astimezone(UTC):%Y-%m-%d %H:%M} UTC" for one in newest]
    return SourceStatus("bulk", arn, state, last_result=next(iter(last), None))


READERS: dict[str, tuple[str, Callable[[AwsAccount, str], SourceStatus]]] = {
    "AWS::Events::Rule": ("s3", _rule),
    "AWS::Lambda::EventSourceMapping": ("mapping", _mapping),
    "AWS::Scheduler::Schedule": ("schedule", _schedule),
    "AWS::StepFunctions::StateMachine": ("bulk", _state_machine),
}
"""Kinds and functions by CloudFormation's name of the type."""
