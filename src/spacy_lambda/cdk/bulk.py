"""Distributed Map of Step Functions that annotates the shards of a corpus."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from .acknowledge import acknowledge, wildcard
from .aws_names import ITEMS, bulk_prefix, state_machine_name
from .bulk_settings import BulkConfig, map_concurrency
from .spec import FunctionSpec

__all__ = ["BulkAnnotation"]

LABEL = "shards"
"""Part of the names of the shards' executions."""

TRANSIENT = [
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.Unknown",
    "OutputError",
    "StoreError",
]
"""Errors after which a shard is sent again: of Lambda, and of the function if S3 failed. A timeout would come again."""

THROTTLED = ["Lambda.TooManyRequestsException"]
THROTTLED_ATTEMPTS = 20
"""Such attempts are not billed by Lambda; with a minute between them, they wait for others to end."""

MAX_DELAY = Duration.minutes(1)
GRACE_S = 60
"""Seconds beyond the function's timeout after which an invocation is given up."""

TRACES = "The function's own traces, which are the project's choice, have each shard."
ACKNOWLEDGED = {
    "AwsSolutions-SF1": "Step Functions keeps the history of each execution for 90 days, and the function logs each "
    "shard; a log of all events would repeat both at a price.",
    "AwsSolutions-SF2": TRACES,
    "Serverless-StepFunctionStateMachineXray": TRACES,
}
ITEM_LISTS = "Each run has a list of its shards, named after its execution."
CHILDREN = "The executions of this state machine's own Map: each shard has one."


class BulkAnnotation(Construct):
    """A state machine that invokes the live alias once for each item of a list in S3, which is an execution's input.

    Results are objects that the function writes: the Map's own output is empty, because it would have a limit.

    :param spec: The function; it has a bulk configuration.
    :param bulk: That configuration.
    :param alias: The live alias.
    """

    def __init__(
        self, scope: Construct, id: str, spec: FunctionSpec, bulk: BulkConfig, *, alias: lambda_.IAlias
    ) -> None:
        super().__init__(scope, id)
        place = bulk_prefix(bulk, project=spec.project, function=spec.name, account=spec.account, region=spec.region)
        shards = sfn.DistributedMap(
            self,
            "Shards",
            comment=f"annotate each shard with {spec.function_name}",
            label=LABEL,
            item_reader=sfn.S3JsonItemReader(
                bucket=s3.Bucket.from_bucket_name(self, "Bucket", place.bucket), key=sfn.JsonPath.string_at("$.items")
            ),
            max_concurrency=map_concurrency(bulk, spec.config.concurrency),
            tolerated_failure_percentage=bulk.tolerated_failure_percentage,
            tolerated_failure_count=bulk.tolerated_failure_count,
            result_path=sfn.JsonPath.DISCARD,
        )
        shards.item_processor(_task(self, spec, bulk, alias))
        name = state_machine_name(spec.function_name)
        role, policy = _role(self, spec, name, items=f"{place.bucket}/{place.prefix}/*/{ITEMS}/*", alias=alias)
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=name,
            comment=f"annotates corpora with {spec.function_name}",
            definition_body=sfn.DefinitionBody.from_chainable(shards),
            role=role,
        )
        # The CDK's own policy for the children, which would be wider; this role does not take it.
        self.state_machine.node.try_remove_child("DistributedMapPolicy")
        self.state_machine.node.add_dependency(policy)
        acknowledge(self.state_machine, ACKNOWLEDGED)


def _task(scope: Construct, spec: FunctionSpec, bulk: BulkConfig, alias: lambda_.IAlias) -> tasks.LambdaInvoke:
    task = tasks.LambdaInvoke(
        scope,
        "Annotate",
        lambda_function=alias,
        payload=sfn.TaskInput.from_object(
            {
                "shard": sfn.JsonPath.entire_payload,
                "retries": sfn.JsonPath.number_at("$$.State.RetryCount"),
                "execution": sfn.JsonPath.string_at("$$.Execution.Id"),
            }
        ),
        retry_on_service_exceptions=False,
        output_path=sfn.JsonPath.DISCARD,
        task_timeout=sfn.Timeout.duration(Duration.seconds(spec.config.timeout + GRACE_S)),
    )
    for errors, attempts in ((THROTTLED, THROTTLED_ATTEMPTS), (TRANSIENT, bulk.max_attempts)):
        task.add_retry(
            errors=errors,
            max_attempts=attempts,
            interval=Duration.seconds(2),
            backoff_rate=2,
            max_delay=MAX_DELAY,
            jitter_strategy=sfn.JitterType.FULL,
        )
    return task


def _role(
    scope: Construct, spec: FunctionSpec, name: str, *, items: str, alias: lambda_.IAlias
) -> tuple[iam.IRole, iam.Policy]:
    """Create the role and its permissions, which are written out here; those of the CDK's constructs are wider."""
    partition = Stack.of(scope).partition
    states = f"arn:{partition}:states:{spec.region}:{spec.account}"
    own = iam.Role(
        scope,
        "Role",
        # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
        assumed_by=iam.ServicePrincipal(
            "states.amazonaws.com",
            conditions={
                "StringEquals": {"aws:SourceAccount": spec.account},
                "ArnLike": {"aws:SourceArn": f"{states}:stateMachine:*"},
            },
        ),
        description=f"Permissions of {name}",
    )
    policy = iam.Policy(scope, "Policy", roles=[own])
    children = f"{states}:execution:{name}"
    read = f"arn:{partition}:s3:::{items}"
    for actions, resource in (
        (["lambda:InvokeFunction"], alias.function_arn),
        (["s3:GetObject"], read),
        (["states:StartExecution"], f"{states}:stateMachine:{name}"),
        (["states:DescribeExecution", "states:StopExecution"], f"{children}:*"),
        (["states:RedriveExecution"], f"{children}/{LABEL}:*"),
    ):
        policy.add_statements(iam.PolicyStatement(actions=actions, resources=[resource]))
    acknowledge(
        policy,
        {
            wildcard(scope, read): ITEM_LISTS,
            wildcard(scope, f"{children}:*"): CHILDREN,
            wildcard(scope, f"{children}/{LABEL}:*"): CHILDREN,
        },
    )
    return own.without_policy_updates(), policy
