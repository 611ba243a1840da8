"""CloudWatch metrics of a function: Lambda's own, and those that the function emits."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from ..core.metric_names import FUNCTION_DIMENSION, MODEL_DIMENSION, entities_of
from .spec import ALIAS, FunctionSpec

__all__ = [
    "alias_metric",
    "emitted_metric",
    "function_metric",
    "label_metric",
    "metric_by_model",
    "quoted",
    "summed_metric",
]


def alias_metric(spec: FunctionSpec, name: str, statistic: str, *, minutes: int = 1) -> cloudwatch.Metric:
    """Return Lambda's metric of invocations through the alias."""
    function = spec.function_name
    dimensions = {FUNCTION_DIMENSION: function, "Resource": f"{function}:{ALIAS}"}
    return _metric("AWS/Lambda", name, dimensions, statistic, minutes)


def function_metric(spec: FunctionSpec, name: str, statistic: str, *, minutes: int) -> cloudwatch.Metric:
    """Return Lambda's metric of all invocations, which are billed."""
    return _metric("AWS/Lambda", name, {FUNCTION_DIMENSION: spec.function_name}, statistic, minutes)


def emitted_metric(spec: FunctionSpec, name: str, statistic: str, *, minutes: int = 5) -> cloudwatch.Metric:
    """Return a metric that the function emits, with the function as its only dimension."""
    return _metric(spec.project, name, {FUNCTION_DIMENSION: spec.function_name}, statistic, minutes)


def metric_by_model(spec: FunctionSpec, name: str) -> cloudwatch.MathExpression:
    """Return a metric that the function emits for each model: one line per model."""
    return _math(_search(spec, name), label="")


def summed_metric(spec: FunctionSpec, name: str, label: str) -> cloudwatch.MathExpression:
    """Return the sum of that metric over all models: one line that continues when the model changes."""
    return _math(f"SUM({_search(spec, name)})", label=label)


def label_metric(spec: FunctionSpec, label: str) -> cloudwatch.MathExpression:
    """Return the number of entities with a label."""
    return summed_metric(spec, entities_of(label), label)


def _metric(namespace: str, name: str, dimensions: dict[str, str], statistic: str, minutes: int) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=Duration.minutes(minutes),
    )


def _search(spec: FunctionSpec, name: str) -> str:
    function = spec.function_name
    dimensions = f"{{{quoted(spec.project)},{FUNCTION_DIMENSION},{MODEL_DIMENSION}}}"
    return f"SEARCH('{dimensions} {FUNCTION_DIMENSION}={quoted(function)} MetricName={quoted(name)}', 'Sum', 300)"


def _math(expression: str, *, label: str) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(expression=expression, using_metrics={}, label=label, period=Duration.minutes(5))


def quoted(text: str) -> str:
    """Quote a literal term of a search expression, which stands between single quotes itself."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")
    return f'"{escaped}"'
