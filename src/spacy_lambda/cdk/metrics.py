"""CloudWatch's metrics of a function: those that Lambda has of the alias, and those that the function tells itself."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from .spec import ALIAS, FunctionSpec

__all__ = [
    "alias_metric",
    "function_metric",
    "label_metric",
    "quoted",
    "tells_init",
    "told_by_all",
    "told_by_model",
    "told_metric",
]


def alias_metric(spec: FunctionSpec, name: str, statistic: str, *, minutes: int = 1) -> cloudwatch.Metric:
    """Lambda's metric of what came through the alias."""
    function = spec.function_name
    dimensions = {"FunctionName": function, "Resource": f"{function}:{ALIAS}"}
    return _metric("AWS/Lambda", name, dimensions, statistic, minutes)


def function_metric(spec: FunctionSpec, name: str, statistic: str, *, minutes: int) -> cloudwatch.Metric:
    """Lambda's metric of all that the function did, and that is paid for."""
    return _metric("AWS/Lambda", name, {"FunctionName": spec.function_name}, statistic, minutes)


def told_metric(spec: FunctionSpec, name: str, statistic: str, *, minutes: int = 5) -> cloudwatch.Metric:
    """A metric that the function tells, where it has no dimension but the function."""
    return _metric(spec.project, name, {"FunctionName": spec.function_name}, statistic, minutes)


def told_by_model(spec: FunctionSpec, name: str) -> cloudwatch.MathExpression:
    """A metric that the function tells of each model: one line for each that answered."""
    return _math(_search(spec, name), label="")


def told_by_all(spec: FunctionSpec, name: str, label: str) -> cloudwatch.MathExpression:
    """The same for all models together, so that a line goes on when the model changes."""
    return _math(f"SUM({_search(spec, name)})", label=label)


def label_metric(spec: FunctionSpec, label: str) -> cloudwatch.MathExpression:
    """How many entities of a label were found."""
    return told_by_all(spec, f"Entities.{label}", label)


def tells_init(spec: FunctionSpec) -> bool:
    """Whether there is a metric of how long an init takes: with SnapStart nobody waits for one."""
    return spec.config.metrics and not spec.config.snapstart


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
    dimensions = f"{{{quoted(spec.project)},FunctionName,Model}}"
    return f"SEARCH('{dimensions} FunctionName={quoted(function)} MetricName={quoted(name)}', 'Sum', 300)"


def _math(expression: str, *, label: str) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(expression=expression, using_metrics={}, label=label, period=Duration.minutes(5))


def quoted(text: str) -> str:
    """A term of a search that is to be found as it is; the search itself stands between single quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")
    return f'"{escaped}"'
