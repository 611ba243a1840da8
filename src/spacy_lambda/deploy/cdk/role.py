"""What the function may do: a role that is written out here, and that nothing else adds to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from spacy_lambda.config.aws_names import output_resource, stack_name
from spacy_lambda.core.env_names import OUTPUT_VARIABLE
from spacy_lambda.core.location import parse_location
from spacy_lambda.deploy.cdk.acknowledge import acknowledge, wildcard
from spacy_lambda.deploy.spec import FunctionSpec

__all__ = ["WRITING", "FunctionRole", "artifact_resource", "written_resource"]

WRITING = {"s3": ["s3:AbortMultipartUpload", "s3:PutObject"], "sqs": ["sqs:SendMessage"]}
"""What writing answers takes, by the service that takes them."""

TRACING = {"AwsSolutions-IAM5[Resource::*]": "X-Ray's actions know no resources: AWS takes nothing but '*'."}
OLDER_ARTIFACTS = "The artifacts of this one pipeline: a version that is rolled back to fetches an older one of them."
ANSWERS = "Each answer is an object of its own, named after what it answers."


class FunctionRole(Construct):
    """The role, with what every function needs; other constructs say what they add by :meth:`allow`.

    The function gets it as a role that cannot be changed: the grants that come with the CDK's own constructs are wider
    than what is needed.

    :param spec: The function.
    :param log_group_arn: What it writes.
    :param queue_arn: Where failed events go.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec, *, log_group_arn: str, queue_arn: str) -> None:
        super().__init__(scope, id)
        own = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {stack_name(spec.project, spec.name)} may do",
        )
        self.role = own.without_policy_updates()
        self.policy = iam.Policy(self, "Policy", roles=[own])
        self.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group_arn])
        self.allow(["sqs:SendMessage"], [queue_arn])
        if spec.pipeline is not None and spec.pipeline.startswith("s3://"):
            self._allow_pipeline(spec.pipeline)
        if spec.tracing:
            self.allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"])
            acknowledge(self.policy, TRACING)
        written = written_resource(Stack.of(self), spec)
        if written is not None:
            self._allow_output(written)

    def allow(
        self, actions: Sequence[str], resources: Sequence[str], *, conditions: Mapping[str, object] | None = None
    ) -> None:
        """Let the function do something."""
        self.policy.add_statements(
            iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)
        )

    def _allow_pipeline(self, pipeline: str) -> None:
        resource = artifact_resource(Stack.of(self), pipeline)
        self.allow(["s3:GetObject", "s3:GetObjectVersion"], [resource])
        acknowledge(self.policy, {wildcard(self, resource): OLDER_ARTIFACTS})

    def _allow_output(self, resource: str) -> None:
        service = resource.split(":")[2]
        self.allow(WRITING[service], [resource])
        if service == "s3":
            acknowledge(self.policy, {wildcard(self, resource): ANSWERS})


def artifact_resource(stack: Stack, pipeline: str) -> str:
    """The objects that a pipeline's location can lead to, whichever its version is.

    :param pipeline: An ``s3://`` location.
    """
    location = parse_location(pipeline)
    below = "" if location.is_artifact else "/*"
    return f"arn:{stack.partition}:s3:::{location.path}{below}"


def written_resource(stack: Stack, spec: FunctionSpec) -> str | None:
    """ARN of what the function writes its answers to; ``None`` where it only answers its caller.

    :raises ValueError: If its environment names something else than a bucket or a queue.
    """
    output = spec.environment.get(OUTPUT_VARIABLE)
    if output is None:
        return None
    resource = output_resource(output)
    if resource is None:
        raise ValueError(f"{OUTPUT_VARIABLE} is {output!r}, and not s3://bucket/prefix or the URL of an SQS queue")
    return f"arn:{stack.partition}:{resource}"
