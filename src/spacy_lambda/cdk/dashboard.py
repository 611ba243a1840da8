"""CloudWatch dashboard of one function."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ..core.metric_names import CLIENT_ERRORS, COLD_STARTS, EMPTY_ANSWERS, INIT_DURATION, TEXTS
from .metrics import (
    alias_metric,
    emitted_metric,
    function_metric,
    label_metric,
    metric_by_model,
    summed_metric,
)
from .prices import RegionPrices, describe_assumed
from .spec import FunctionSpec

__all__ = ["Dashboard", "hourly_cost"]

HALF_WIDTH = 12
FULL_WIDTH = 24


class Dashboard(Construct):
    """A dashboard: the live version, invocations and latency, entities by label, and cost.

    :param spec: The function; it has a live version.
    :param alarms: Alarms whose states it shows.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec, *, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        super().__init__(scope, id)
        rows = [[_about(spec)], [_states(alarms)], [_calls(spec), _durations(spec)]]
        if spec.config.metrics:
            # CloudWatch refuses a graph without metrics.
            entities = [_entities(spec)] if spec.labels else []
            rows += [[*entities, _answers(spec)], [_models(spec), _cold_starts(spec)]]
        rows.append([_cost(spec)])
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=spec.function_name,
            default_interval=Duration.days(1),
            widgets=rows,
        )


def _about(spec: FunctionSpec) -> cloudwatch.IWidget:
    memory, timeout = spec.config.memory, spec.config.timeout
    lines = [
        f"# {spec.function_name}",
        f"The last deployment made version **{spec.live_version}** live: {memory} MB, at most {timeout} s.",
        f"Newest pipeline: `{spec.sha256}`",
    ]
    return cloudwatch.TextWidget(markdown="\n\n".join(lines), width=FULL_WIDTH, height=4)


def _states(alarms: Sequence[cloudwatch.IAlarm]) -> cloudwatch.IWidget:
    return cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=FULL_WIDTH, height=3)


def _calls(spec: FunctionSpec) -> cloudwatch.IWidget:
    metrics = [alias_metric(spec, name, "Sum", minutes=5) for name in ("Invocations", "Errors", "Throttles")]
    return _graph("Invocations, errors, throttles", metrics)


def _durations(spec: FunctionSpec) -> cloudwatch.IWidget:
    return _graph("Duration", [alias_metric(spec, "Duration", statistic, minutes=5) for statistic in ("p50", "p99")])


def _entities(spec: FunctionSpec) -> cloudwatch.IWidget:
    return _graph("Entities by label", [label_metric(spec, label) for label in spec.labels])


def _answers(spec: FunctionSpec) -> cloudwatch.IWidget:
    titles = {TEXTS: "texts", EMPTY_ANSWERS: "without entities", CLIENT_ERRORS: "invalid requests"}
    return _graph("Texts without entities", [summed_metric(spec, name, label) for name, label in titles.items()])


def _models(spec: FunctionSpec) -> cloudwatch.IWidget:
    """Show texts by model, and so releases and rollbacks, which a deployed text cannot."""
    return _graph("Texts by model", [metric_by_model(spec, TEXTS)])


def _cold_starts(spec: FunctionSpec) -> cloudwatch.IWidget:
    share = cloudwatch.MathExpression(
        expression="100 * cold",
        using_metrics={"cold": emitted_metric(spec, COLD_STARTS, "Average")},
        label="cold starts, %",
        period=Duration.minutes(5),
    )
    inits = [emitted_metric(spec, INIT_DURATION, statistic) for statistic in ("p50", "Maximum")]
    return _graph("Cold starts", [share], right=inits if spec.has_init_metric else [])


def _cost(spec: FunctionSpec) -> cloudwatch.IWidget:
    return _graph("Cost an hour, US dollars, estimated", [hourly_cost(spec)])


def hourly_cost(spec: FunctionSpec) -> cloudwatch.MathExpression:
    """Return the cost of GB-seconds and requests at list prices; inits are billed like invocations."""
    used = {
        "requests": function_metric(spec, "Invocations", "Sum", minutes=60),
        "busy": function_metric(spec, "Duration", "Sum", minutes=60),
    }
    milliseconds = "busy"
    if spec.has_init_metric:
        used["init"] = emitted_metric(spec, INIT_DURATION, "Sum", minutes=60)
        milliseconds = "(busy + FILL(init, 0))"
    prices = RegionPrices(spec.region)
    price = spec.config.memory / 1024 * prices(f"gb_second_{spec.config.architecture}") / 1000
    request = prices("million_requests") / 1e6
    return cloudwatch.MathExpression(
        expression=f"{milliseconds} * {price:.12f} + requests * {request:.7f}",
        using_metrics=dict(used),
        label=f"US dollars{describe_assumed(spec.region, prices.assumed)}",
        period=Duration.hours(1),
    )


def _graph(
    title: str, left: Sequence[cloudwatch.IMetric], *, right: Sequence[cloudwatch.IMetric] = ()
) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(title=title, left=list(left), right=list(right), width=HALF_WIDTH, height=6)
