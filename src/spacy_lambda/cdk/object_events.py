"""EventBridge's rule for the new objects of a bucket."""

from __future__ import annotations

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from .source_settings import S3Source, object_pattern
from .spec import FunctionSpec

__all__ = ["ObjectEvents"]

DESCRIPTION_CHARACTERS = 512
"""https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html; a key's beginning may have 1,024."""


class ObjectEvents(Construct):
    """A rule that invokes the alias, with the permission to do so.

    An event that EventBridge cannot deliver in a day goes to the queue of failed events, like one that the function
    fails on.

    :param spec: The function.
    :param source: The bucket and the beginning of the keys.
    :param alias: The alias to invoke.
    :param failed: Queue of failed events.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        spec: FunctionSpec,
        source: S3Source,
        *,
        alias: lambda_.Alias,
        failed: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        pattern = object_pattern(source)
        about = f"{spec.function_name}: new objects of s3://{source.bucket}/{source.prefix}"
        events.Rule(
            self,
            "Rule",
            description=about[:DESCRIPTION_CHARACTERS],
            event_pattern=events.EventPattern(
                source=pattern["source"], detail_type=pattern["detail-type"], detail=pattern["detail"]
            ),
            targets=[targets.LambdaFunction(alias, dead_letter_queue=failed)],
        )
