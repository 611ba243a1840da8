"""Estimate of a function's cost, from list prices (:mod:`spacy_lambda.cdk.prices`) and the latency measured here."""

from __future__ import annotations

from dataclasses import dataclass

from spacy_lambda.cdk import prices
from spacy_lambda.cdk.source_settings import SqsSource
from spacy_lambda.cdk.spec import FunctionSpec, ImageCode

__all__ = ["Cost", "estimate"]

MONTH_S = 730 * 3600
GB = 1e9
POLLS, POLL_S = 5, 20
"""Requests with which Lambda waits for messages of a queue, and the seconds of each: the longest that SQS allows
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html)."""


@dataclass(frozen=True)
class Cost:
    """Estimated cost in US dollars.

    :param idle: Idle cost of a month, by resource.
    :param million: A million texts, each in its own request.
    :param ms_per_text: Assumed latency of a text.
    """

    idle: dict[str, float]
    million: float
    ms_per_text: float

    @property
    def idle_total(self) -> float:
        """Idle cost of a month in all."""
        return sum(self.idle.values())


def estimate(spec: FunctionSpec, *, code_bytes: int, model_bytes: int, versions: int, ms_per_text: float) -> Cost:
    """Estimate the cost of a function.

    :param code_bytes: Size of the zip or the image, for each version.
    :param model_bytes: Size of the pipeline's artifact.
    :param versions: Number of versions that are kept.
    :param ms_per_text: Latency of a text.
    """
    is_image = isinstance(spec.code, ImageCode)
    memory_gb = spec.config.memory / 1024
    idle = {
        "alarms": prices.ALARM * (5 if spec.config.metrics and not spec.config.snapstart else 4),
        "dashboard": prices.DASHBOARD,
        "code": versions * code_bytes / GB * (prices.ECR_GB if is_image else prices.S3_GB),
        "models": versions * model_bytes / GB * prices.S3_GB,
    }
    if spec.config.snapstart:
        idle["snapshots"] = versions * memory_gb * prices.SNAPSHOT_GB_SECOND * MONTH_S
    if isinstance(spec.code, ImageCode) and spec.code.efs:
        idle["EFS"] = versions * model_bytes / GB * prices.EFS_GB
    queues = sum(isinstance(source, SqsSource) for source in spec.config.sources)
    if queues:
        idle["queues"] = queues * POLLS * MONTH_S / POLL_S / 1e6 * prices.MILLION_SQS_REQUESTS
    seconds = 1e6 * ms_per_text / 1000
    return Cost(
        idle, prices.MILLION_REQUESTS + seconds * memory_gb * prices.GB_SECOND[spec.config.architecture], ms_per_text
    )
