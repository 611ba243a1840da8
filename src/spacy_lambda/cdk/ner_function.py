"""The Lambda function: its code, its settings, and the version that publishes them."""

from __future__ import annotations

import json

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from ..core.env_names import (
    CACHE_VARIABLE,
    EXAMPLES_VARIABLE,
    METRICS_VARIABLE,
    OUTPUT_VARIABLE,
    PAGE_VARIABLE,
    PIPELINE_VARIABLE,
)
from ..core.lambda_function import HANDLER
from ..core.output_location import S3Prefix, parse_output
from .acknowledge import acknowledge
from .aws_names import repository_name
from .failed_events import FailedEvents
from .log_group import make_log_group
from .model_cache import MOUNT, ModelCache
from .role import FunctionRole
from .spec import FunctionSpec, ImageCode, SpecError, ZipCode
from .strings import check_strings

__all__ = ["NerFunction"]

RUNTIMES = {
    "3.12": lambda_.Runtime.PYTHON_3_12,
    "3.13": lambda_.Runtime.PYTHON_3_13,
    "3.14": lambda_.Runtime.PYTHON_3_14,
}
ARCHITECTURES = {"x86_64": lambda_.Architecture.X86_64, "arm64": lambda_.Architecture.ARM_64}

OTHER_PYTHON = "Compiled parts of the bundle are for this Python; another one is chosen where the bundle is made."
ACKNOWLEDGED = {
    "AwsSolutions-L1": OTHER_PYTHON,
    "Serverless-LambdaLatestVersion": OTHER_PYTHON,
    "Serverless-LambdaDLQ": "Failed events go to an on-failure destination, which gets the error with the event.",
    "Serverless-LambdaTracing": "Tracing is the project's choice: it costs by the trace, and metrics and logs suffice.",
}
SNAPSTART = {
    "annotation::@aws-cdk/aws-lambda:snapStartRequirePublish": "Every deployment publishes a version.",
}


class NerFunction(Construct):
    """A function that predicts entities, with its role, its log group and its queue of failed events.

    Each change of its code or its settings publishes a version. A version is kept when the next one is published, for
    rollbacks, and deleted with the function. If the update that made it fails, it is deleted: publishing the same code
    again would return that version, which CloudFormation refuses.

    Event sources that you connect, such as a queue, need permissions: ``role.allow``.

    :param scope: The construct that contains it, such as a stack.
    :param id: Its id within ``scope``.
    :param spec: The function.
    :raises SpecError: If Lambda does not support these settings together, a public function has no limit or has
        callers, an alarm has no metrics, or a string cannot be part of a template.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec) -> None:
        super().__init__(scope, id)
        _check(spec)
        log_group = make_log_group(self, "Logs", spec)
        self.failed = FailedEvents(self, "Failed", spec)
        self.log_group = log_group
        self.role = role = FunctionRole(
            self, "Access", spec, log_group_arn=log_group.log_group_arn, queue_arn=self.failed.queue.queue_arn
        )
        cache = ModelCache(self, "Models", spec, role) if _has_efs(spec) else None
        self.function = self._make_function(spec, role=role, log_group=log_group, cache=cache)
        self.function.node.add_dependency(role.policy)
        self.version = self.function.current_version
        acknowledge(self.function, {**ACKNOWLEDGED, **(SNAPSTART if spec.config.snapstart else {})})

    def _make_function(
        self, spec: FunctionSpec, *, role: FunctionRole, log_group: logs.ILogGroup, cache: ModelCache | None
    ) -> lambda_.Function:
        is_zip = isinstance(spec.code, ZipCode)
        return lambda_.Function(
            self,
            "Function",
            function_name=spec.function_name,
            description=f"spaCy pipeline {spec.sha256[:12]}",
            code=_code(self, spec),
            handler=HANDLER if is_zip else lambda_.Handler.FROM_IMAGE,
            runtime=RUNTIMES[spec.config.python] if is_zip else lambda_.Runtime.FROM_IMAGE,
            architecture=ARCHITECTURES[spec.config.architecture],
            memory_size=spec.config.memory,
            timeout=Duration.seconds(spec.config.timeout),
            reserved_concurrent_executions=spec.config.concurrency
            if isinstance(spec.config.concurrency, int)
            else None,
            environment=_environment(spec),
            role=role.role,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE if spec.config.tracing else lambda_.Tracing.DISABLED,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if spec.config.snapstart else None,
            on_failure=self.failed.destination,
            current_version_options=lambda_.VersionOptions(
                removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, description=f"pipeline {spec.sha256[:12]}"
            ),
            vpc=cache.network.vpc if cache else None,
            security_groups=[cache.network.function_group] if cache else None,
            filesystem=cache.mounted if cache else None,
        )


def _check(spec: FunctionSpec) -> None:
    check_strings(spec)
    if spec.config.auth == "none" and spec.config.concurrency is None:
        raise SpecError(
            f"{spec.name!r} is public, and its concurrency has no limit",
            remedy='set its concurrency to a number, or to "unlimited"',
        )
    if spec.config.auth == "none" and spec.config.callers:
        raise SpecError(f"{spec.name!r} is public, and has callers", remedy='leave out callers, or set auth to "iam"')
    if spec.config.alarm_empty_percentage is not None and not spec.config.metrics:
        raise SpecError(
            f"{spec.name!r} has alarm_empty_percentage, and emits no metrics", remedy="leave it out, or set metrics"
        )
    if not _has_efs(spec):
        return
    if spec.config.snapstart:
        raise SpecError(
            f"{spec.name!r} has SnapStart and EFS, which Lambda does not support together", remedy="choose one of them"
        )
    output = spec.config.environment.get(OUTPUT_VARIABLE)
    if output is not None and not isinstance(parse_output(output), S3Prefix):
        raise SpecError(
            f"{OUTPUT_VARIABLE} of {spec.name!r} is {output!r}: a function with EFS can only reach S3",
            remedy="write s3://bucket/prefix, or deploy the function without EFS",
        )


def _has_efs(spec: FunctionSpec) -> bool:
    return isinstance(spec.code, ImageCode) and spec.code.efs


def _code(scope: Construct, spec: FunctionSpec) -> lambda_.Code:
    if isinstance(spec.code, ZipCode):
        return lambda_.Code.from_asset(str(spec.code.path))
    name = repository_name(spec.project, spec.name)
    repository = ecr.Repository.from_repository_name(scope, "Repository", name)
    return lambda_.Code.from_ecr_image(repository, tag_or_digest=spec.code.digest)


def _environment(spec: FunctionSpec) -> dict[str, str]:
    own = {
        PAGE_VARIABLE: "on" if spec.config.page else None,
        EXAMPLES_VARIABLE: json.dumps(spec.config.examples) if spec.config.examples else None,  # ASCII
        METRICS_VARIABLE: spec.project if spec.config.metrics else None,
        PIPELINE_VARIABLE: spec.pipeline,
        CACHE_VARIABLE: MOUNT if _has_efs(spec) else None,
    }
    return {**spec.config.environment, **{name: value for name, value in own.items() if value is not None}}
