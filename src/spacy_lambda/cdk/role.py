"""Execution role of the function: written out here, and nothing else adds to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from ..core.env_names import OUTPUT_VARIABLE
from .acknowledge import acknowledge, wildcard
from .aws_names import bulk_prefix, output_resource, pipeline_objects, source_resource
from .source_settings import S3Source, ScheduleSource, SourceConfig
from .spec import FunctionSpec, SpecError

__all__ = [
    "BULK_ACTIONS",
    "READ_ACTIONS",
    "WRITE_ACTIONS",
    "FunctionRole",
    "artifact_resource",
    "bulk_resource",
    "object_resources",
    "written_resource",
]

READ_ACTIONS = {
    "kinesis": [
        "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
    ],
    "s3": ["s3:GetObject", "s3:GetObjectVersion"],
    "sqs": ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
}
"""Actions that read from event sources, by kind: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html"""

WRITE_ACTIONS = {"s3": ["s3:AbortMultipartUpload", "s3:PutObject"], "sqs": ["sqs:SendMessage"]}
"""Actions that write predictions, by service."""

BULK_ACTIONS = ["s3:GetObject", "s3:PutObject"]
"""Actions on the shards of corpora and their results."""

TRACING = {
    "AwsSolutions-IAM5[Resource::*]": "X-Ray's actions do not support resource-level permissions: AWS accepts '*' only."
}
OLDER_ARTIFACTS = "The artifacts of this one pipeline: a version that is rolled back to fetches an older one of them."
OBJECTS = "The project's file names the beginning of the keys, whose objects are read as they come."
CORPORA = "Each run has a folder of its own, and each shard objects that are named after its digest."
PREDICTIONS = "Each prediction is an object of its own, named after its event."


class FunctionRole(Construct):
    """The role, with the permissions that every function needs; other constructs add permissions with :meth:`allow`.

    The function gets it as a role that cannot be changed: the grants of the CDK's own constructs are wider than needed.

    :param spec: The function.
    :param log_group_arn: Its log group.
    :param queue_arn: Queue of failed events.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec, *, log_group_arn: str, queue_arn: str) -> None:
        super().__init__(scope, id)
        own = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Permissions of {spec.function_name}",
        )
        self.role = own.without_policy_updates()
        self.policy = iam.Policy(self, "Policy", roles=[own])
        self.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group_arn])
        self.allow(["sqs:SendMessage"], [queue_arn])
        readable = artifact_resource(Stack.of(self), spec)
        if readable is not None:
            self._allow_pipeline(readable)
        if spec.config.tracing:
            self.allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"])
            acknowledge(self.policy, TRACING)
        written = written_resource(Stack.of(self), spec)
        if written is not None:
            self._allow_output(written)
        for source in spec.readable_sources:
            self._allow_source(spec, source)
        corpora = bulk_resource(Stack.of(self), spec)
        if corpora is not None:
            self.allow(BULK_ACTIONS, [corpora])
            acknowledge(self.policy, {wildcard(self, corpora): CORPORA})

    def allow(
        self, actions: Sequence[str], resources: Sequence[str], *, conditions: Mapping[str, object] | None = None
    ) -> None:
        """Allow the function some actions."""
        self.policy.add_statements(
            iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)
        )

    def _allow_pipeline(self, resource: str) -> None:
        self.allow(["s3:GetObject", "s3:GetObjectVersion"], [resource])
        acknowledge(self.policy, {wildcard(self, resource): OLDER_ARTIFACTS})

    def _allow_output(self, resource: str) -> None:
        service = resource.split(":")[2]
        self.allow(WRITE_ACTIONS[service], [resource])
        if service == "s3":
            acknowledge(self.policy, {wildcard(self, resource): PREDICTIONS})

    def _allow_source(self, spec: FunctionSpec, source: SourceConfig) -> None:
        if isinstance(source, ScheduleSource):
            return
        resource = f"arn:{Stack.of(self).partition}:{source_resource(source, account=spec.account, region=spec.region)}"
        self.allow(READ_ACTIONS[source.kind], [resource])
        if isinstance(source, S3Source):
            acknowledge(self.policy, {wildcard(self, resource): OBJECTS})
        if source.kms_key is not None:
            self.allow(["kms:Decrypt"], [source.kms_key])


def artifact_resource(stack: Stack, spec: FunctionSpec) -> str | None:
    """Return the ARN of the pipeline's artifacts, of all versions; ``None`` if it is not fetched from S3."""
    objects = None if spec.pipeline is None else pipeline_objects(spec.pipeline)
    return None if objects is None else f"arn:{stack.partition}:s3:::{objects}"


def written_resource(stack: Stack, spec: FunctionSpec) -> str | None:
    """Return the ARN of the output of asynchronous predictions; ``None`` without one.

    :raises SpecError: If the environment names something else than a bucket or a queue.
    """
    output = spec.config.environment.get(OUTPUT_VARIABLE)
    if output is None:
        return None
    resource = output_resource(output)
    if resource is None:
        raise SpecError(
            f"environment.{OUTPUT_VARIABLE} of {spec.name!r} is {output!r}",
            remedy="write s3://bucket/prefix or the URL of an SQS queue",
        )
    return f"arn:{stack.partition}:{resource}"


def bulk_resource(stack: Stack, spec: FunctionSpec) -> str | None:
    """Return the ARN of the shards of corpora and their results; ``None`` without a bulk configuration.

    :raises SpecError: If the configuration names something else than a bucket.
    """
    bulk = spec.config.bulk
    if bulk is None:
        return None
    if bulk.location is not None and not (output_resource(bulk.location) or "").startswith("s3:"):
        raise SpecError(f"bulk.location of {spec.name!r} is {bulk.location!r}", remedy="write s3://bucket/prefix")
    place = bulk_prefix(bulk, project=spec.project, function=spec.name, account=spec.account, region=spec.region)
    return f"arn:{stack.partition}:{place.resource}"


def object_resources(stack: Stack, spec: FunctionSpec) -> list[str]:
    """Return the ARNs of the objects that event sources name."""
    sources = [source for source in spec.readable_sources if isinstance(source, S3Source)]
    found = (source_resource(source, account=spec.account, region=spec.region) for source in sources)
    return [f"arn:{stack.partition}:{resource}" for resource in found]
