"""Share of the texts of a function in which it finds no entities."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from ..core.metric_names import EMPTY_ANSWERS, FUNCTION_DIMENSION, TEXTS
from .metrics import emitted_metric
from .spec import FunctionSpec

__all__ = ["EmptyTexts"]

MINUTES = 60
MIN_TEXTS = 20
"""Texts in an hour below which the share is 0: of a few texts, it means nothing."""


class EmptyTexts(Construct):
    """The percentage of texts without entities, in an hour, and the two metrics that it is made of.

    The function emits both for each model. An alarm cannot search for them, and one that names a model would watch none
    after a rollback: metric filters make them of the same log lines for the function, whichever model is live. Lines
    without texts, such as those of pings, make none: metrics are paid for by the hour in which they are emitted.

    :param spec: The function; it emits metrics.
    :param log_group: Its log group.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec, *, log_group: logs.ILogGroup) -> None:
        super().__init__(scope, id)
        for name in (TEXTS, EMPTY_ANSWERS):
            logs.MetricFilter(
                self,
                name,
                filter_name=f"{spec.function_name}-{name}",
                log_group=log_group,
                filter_pattern=logs.FilterPattern.number_value(f"$.{TEXTS}", ">", 0),
                metric_namespace=spec.project,
                metric_name=name,
                metric_value=f"$.{name}",
                dimensions={FUNCTION_DIMENSION: f"$.{FUNCTION_DIMENSION}"},
            )
        self.percentage = cloudwatch.MathExpression(
            expression=f"IF(texts >= {MIN_TEXTS}, 100 * empty / texts, 0)",
            using_metrics={
                "texts": emitted_metric(spec, TEXTS, "Sum", minutes=MINUTES),
                "empty": emitted_metric(spec, EMPTY_ANSWERS, "Sum", minutes=MINUTES),
            },
            label="texts without entities, %",
            period=Duration.minutes(MINUTES),
        )
