"""Estimate of a function's cost, from list prices (:mod:`spacy_lambda.cdk.prices`) and the latency measured here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from spacy_lambda.cdk.prices import RegionPrices
from spacy_lambda.cdk.source_settings import KinesisSource, S3Source, ScheduleSource, SourceConfig, SqsSource
from spacy_lambda.cdk.spec import FunctionSpec, ImageCode
from spacy_lambda.deploy.latency import Latency

__all__ = ["Cost", "Sizes", "estimate"]

MONTH_S = 730 * 3600
GB = 1e9
POLLS, POLL_S = 5, 20
"""Requests with which Lambda waits for messages of a queue, and the seconds of each: the longest that SQS allows
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html)."""

BASIC_ALARMS = 4
BASIC_METRICS = 8
"""Custom metrics beyond those of the labels and of init durations."""

INIT_METRICS = 1

EMPTY_TEXTS_METRICS = 2
"""Metrics of the alarm for texts without entities; an alarm is paid for by its metrics."""

PLATFORM_LINES, PLATFORM_BYTES = 2, 550
"""Events that Lambda itself logs for each invocation, its start and its report, and their bytes."""

PLAIN_LINE_BYTES = 500
"""Bytes of the line that the function logs without metrics."""

EVENT_BYTES = 26
"""Bytes that CloudWatch adds to each log event: https://aws.amazon.com/cloudwatch/pricing."""

TRACED_SHARE = 0.05
"""Share of requests that X-Ray samples by default, beyond the first of each second."""


@dataclass(frozen=True)
class Sizes:
    """Bytes that are stored or logged.

    :param code: The zip or the image, for each version.
    :param model: The pipeline's artifact.
    :param line: The line with the metrics of an invocation.
    """

    code: int
    model: int
    line: int


@dataclass(frozen=True)
class Cost:
    """Estimated cost in US dollars.

    :param idle: A month without an invocation, by resource.
    :param in_use: In addition, a month with invocations in every hour, by resource.
    :param metrics: Number of custom metrics.
    :param per_million: A million texts, each in its own request, by what is billed.
    :param ms: Assumed duration of a request.
    :param assumed: Names of prices that are not known in the region, which are those of us-east-1.
    """

    idle: dict[str, float]
    in_use: dict[str, float]
    metrics: int
    per_million: dict[str, float]
    ms: float
    assumed: tuple[str, ...] = ()

    @property
    def idle_total(self) -> float:
        """Cost of an idle month in all."""
        return sum(self.idle.values())

    @property
    def million(self) -> float:
        """Cost of a million texts in all."""
        return sum(self.per_million.values())


def estimate(spec: FunctionSpec, *, sizes: Sizes, versions: int, latency: Latency) -> Cost:
    """Estimate the cost of a function.

    :param versions: Number of versions that are kept.
    :param latency: Latency of a text.
    """
    price = RegionPrices(spec.region)
    metrics = _metrics(spec)
    ms = latency.on(spec.config.memory)
    idle, per_million = _idle(spec, sizes, versions, price), _per_million(spec, sizes, ms, price)
    in_use = {"custom metrics": metrics * price("metric")} if metrics else {}
    return Cost(
        idle=idle,
        in_use=in_use,
        metrics=metrics,
        per_million=per_million,
        ms=ms,
        assumed=tuple(price.assumed),
    )


def _idle(spec: FunctionSpec, sizes: Sizes, versions: int, price: RegionPrices) -> dict[str, float]:
    code_price = price("ecr_gb") if isinstance(spec.code, ImageCode) else price("s3_gb")
    idle = {
        "alarms": price("alarm") * _alarm_metrics(spec),
        "dashboard": price("dashboard"),
        "code": versions * sizes.code / GB * code_price,
        "models": versions * sizes.model / GB * price("s3_gb"),
    }
    if spec.config.snapstart:
        idle["snapshots"] = versions * _memory_gb(spec) * price("snapshot_gb_second") * MONTH_S
    if isinstance(spec.code, ImageCode) and spec.code.efs:
        idle["EFS"] = versions * sizes.model / GB * price("efs_gb")
    polls = sum(map(_polls, spec.config.sources))
    if polls:
        idle["queues"] = polls * MONTH_S / POLL_S / 1e6 * price("million_sqs_requests")
    return idle


def _polls(source: SourceConfig) -> int:
    """Return how many requests of Lambda always wait for messages of a source; nothing else costs without events."""
    if isinstance(source, SqsSource):
        return POLLS
    if isinstance(source, KinesisSource | S3Source | ScheduleSource):
        return 0
    assert_never(source)


def _metrics(spec: FunctionSpec) -> int:
    """Return the number of custom metrics."""
    own = BASIC_METRICS + len(spec.labels) if spec.config.metrics else 0
    inits = INIT_METRICS if spec.has_init_metric else 0
    return own + inits + _empty_texts_metrics(spec)


def _alarm_metrics(spec: FunctionSpec) -> int:
    """Return the number of metrics that alarms are paid for."""
    inits = INIT_METRICS if spec.has_init_metric else 0
    return BASIC_ALARMS + inits + _empty_texts_metrics(spec)


def _empty_texts_metrics(spec: FunctionSpec) -> int:
    return 0 if spec.config.alarm_empty_percentage is None else EMPTY_TEXTS_METRICS


def _per_million(spec: FunctionSpec, sizes: Sizes, ms: float, price: RegionPrices) -> dict[str, float]:
    line = sizes.line if spec.config.metrics else PLAIN_LINE_BYTES
    logged = PLATFORM_BYTES + line + (PLATFORM_LINES + 1) * EVENT_BYTES
    found = {
        "requests": price("million_requests"),
        "compute": 1e6 * ms / 1000 * _memory_gb(spec) * price(f"gb_second_{spec.config.architecture}"),
        "logs and metrics" if spec.config.metrics else "logs": 1e6 * logged / GB * price("log_gb"),
    }
    return found | ({"traces": TRACED_SHARE * price("million_traces")} if spec.config.tracing else {})


def _memory_gb(spec: FunctionSpec) -> float:
    return spec.config.memory / 1024
