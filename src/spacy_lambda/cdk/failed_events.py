"""Queue of asynchronous events that failed."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from .acknowledge import acknowledge
from .spec import FunctionSpec

__all__ = ["FailedEvents"]

RETENTION = Duration.days(14)
"""Maximum retention of SQS."""

ACKNOWLEDGED = {
    "AwsSolutions-SQS3": "This queue is where failed events end; nothing consumes it that could fail again.",
    "Serverless-SQSRedrivePolicy": "This queue is where failed events end; nothing consumes it that could fail again.",
}


class FailedEvents(Construct):
    """A queue of the events whose last retry failed, each with its error."""

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec) -> None:
        super().__init__(scope, id)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=f"{spec.function_name}-failed",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=RETENTION,
        )
        self.destination = destinations.SqsDestination(self.queue)
        acknowledge(self.queue, ACKNOWLEDGED)
