"""Numbers -> a line of JSON of which CloudWatch makes metrics.

The format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
A line in the log is all it takes: no call, no permission, no library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["DIRECTIVES", "MAX_METRICS", "Metric", "metric_line"]

DIRECTIVES = "_aws"
"""Key without which CloudWatch makes no metrics of a line."""

MAX_METRICS = 100
"""CloudWatch's limit for one directive."""


@dataclass(frozen=True)
class Metric:
    """One number.

    :param name: As CloudWatch lists it.
    :param value: The number.
    :param unit: CloudWatch's name of its unit.
    :param dimensions: Names of the keys that distinguish one series from another.
    """

    name: str
    value: float
    unit: str
    dimensions: tuple[str, ...]


def metric_line(
    metrics: Sequence[Metric],
    *,
    namespace: str,
    timestamp_ms: int,
    dimensions: Mapping[str, str],
    facts: dict[str, Any],
) -> dict[str, Any]:
    """Return the line, as an object.

    :param dimensions: The metrics' dimensions.
    :param facts: Other keys of the line, which make no metric.
    """
    directives = [
        {
            "Namespace": namespace,
            "Dimensions": [list(keys)],
            "Metrics": [{"Name": metric.name, "Unit": metric.unit} for metric in group],
        }
        for keys in dict.fromkeys(metric.dimensions for metric in metrics)
        for group in _groups([metric for metric in metrics if metric.dimensions == keys])
    ]
    return {
        DIRECTIVES: {"Timestamp": timestamp_ms, "CloudWatchMetrics": directives},
        **facts,
        **dimensions,
        **{metric.name: metric.value for metric in metrics},
    }


def _groups(metrics: Sequence[Metric]) -> list[Sequence[Metric]]:
    return [metrics[first : first + MAX_METRICS] for first in range(0, len(metrics), MAX_METRICS)]
