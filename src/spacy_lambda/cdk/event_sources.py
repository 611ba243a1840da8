"""Event sources of the live alias. What they read from exists already; here is what connects it to the function."""

from __future__ import annotations

from hashlib import sha256
from typing import assert_never

from aws_cdk import Duration, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from constructs import Construct

from .acknowledge import acknowledge
from .aws_names import source_resource
from .ner_function import NerFunction
from .object_events import ObjectEvents
from .schedule import Schedule, SchedulerRole
from .source_settings import KinesisSource, ReadSource, S3Source, ScheduleSource, SourceConfig, SqsSource
from .spec import FunctionSpec, SpecError

__all__ = ["EventSources"]

POSITIONS = {
    "TRIM_HORIZON": lambda_.StartingPosition.TRIM_HORIZON,
    "LATEST": lambda_.StartingPosition.LATEST,
}
QUEUE = {
    "Serverless-LambdaEventSourceMappingDestination": "Messages that fail too often go to the queue of the source's "
    "redrive policy; Lambda has no on-failure destination for SQS.",
}


class EventSources(Construct):
    """Connections of all event sources of a function.

    Each has an id made of what it reads from: a source that stays in the file keeps its connection, whatever changes
    around it, and a stream its position.

    :param spec: The function; it has a live version.
    :param ner: The construct of the function.
    :param alias: The live alias.
    :raises SpecError: If two sources are the same.
    """

    def __init__(
        self, scope: Construct, id: str, spec: FunctionSpec, *, ner: NerFunction, alias: lambda_.Alias
    ) -> None:
        super().__init__(scope, id)
        names = [_name(spec, source) for source in spec.connected_sources]
        same = [str(one) for one, name in zip(spec.connected_sources, names, strict=True) if names.count(name) > 1]
        if same:
            raise SpecError(
                f"event sources of {spec.name!r} are the same: {', '.join(same)}", remedy="write one of them only"
            )
        failed = ner.failed.queue
        scheduler: SchedulerRole | None = None
        for name, source in zip(names, spec.connected_sources, strict=True):
            if isinstance(source, SqsSource):
                acknowledge(self._queue(name, spec, source, ner, alias), QUEUE)
            elif isinstance(source, KinesisSource):
                self._stream(name, spec, source, ner, alias)
            elif isinstance(source, S3Source):
                ObjectEvents(self, name, spec, source, alias=alias, failed=failed)
            elif isinstance(source, ScheduleSource):
                scheduler = scheduler or SchedulerRole(self, "Scheduler", spec, alias=alias, failed=failed)
                Schedule(self, name, spec, source, alias=alias, failed=failed, scheduler=scheduler)
            else:
                assert_never(source)

    def _queue(
        self, name: str, spec: FunctionSpec, source: SqsSource, ner: NerFunction, alias: lambda_.Alias
    ) -> lambda_.EventSourceMapping:
        mapping = lambda_.EventSourceMapping(
            self,
            name,
            target=alias,
            event_source_arn=_arn(self, spec, source),
            batch_size=source.batch_size,
            max_batching_window=_window(source.maximum_batching_window),
            max_concurrency=source.maximum_concurrency,
            report_batch_item_failures=True,
        )
        mapping.node.add_dependency(ner.role.policy)
        return mapping

    def _stream(
        self, name: str, spec: FunctionSpec, source: KinesisSource, ner: NerFunction, alias: lambda_.Alias
    ) -> None:
        mapping = lambda_.EventSourceMapping(
            self,
            name,
            target=alias,
            event_source_arn=_arn(self, spec, source),
            starting_position=POSITIONS[source.starting_position],
            batch_size=source.batch_size,
            max_batching_window=_window(source.maximum_batching_window),
            parallelization_factor=source.parallelization_factor,
            retry_attempts=source.maximum_retry_attempts,
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            on_failure=event_sources.SqsDlq(ner.failed.queue),
        )
        mapping.node.add_dependency(ner.role.policy)


def _arn(scope: Construct, spec: FunctionSpec, source: ReadSource) -> str:
    return f"arn:{Stack.of(scope).partition}:{source_resource(source, account=spec.account, region=spec.region)}"


def _window(seconds: int) -> Duration | None:
    return Duration.seconds(seconds) if seconds else None


def _name(spec: FunctionSpec, source: SourceConfig) -> str:
    """Return the id of a connection."""
    if isinstance(source, ScheduleSource):
        what = "\n".join([source.schedule_expression, source.timezone, source.input or ""])
    else:
        what = source_resource(source, account=spec.account, region=spec.region)
    return f"{source.kind}-{sha256(what.encode()).hexdigest()[:12]}"
