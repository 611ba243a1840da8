"""CloudWatch alarms of one function."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from ..core.lambda_limits import INIT_LIMIT_S
from ..core.metric_names import INIT_DURATION
from .alarm_mail import AlarmMail
from .empty_texts import EmptyTexts
from .metrics import alias_metric, emitted_metric
from .spec import FunctionSpec

__all__ = ["Alarms"]

NEAR_TIMEOUT = 0.8
SLOW_INIT_MS = 8000
"""Below Lambda's limit of an init."""


class Alarms(Construct):
    """Alarms for errors, throttles, durations and inits of the alias, for failed events and texts without entities.

    Missing data does not raise an alarm.

    :param spec: The function.
    :param failed: Queue of failed events.
    :param log_group: Log group of the function.
    """

    def __init__(
        self, scope: Construct, id: str, spec: FunctionSpec, *, failed: sqs.IQueue, log_group: logs.ILogGroup
    ) -> None:
        super().__init__(scope, id)
        self._function = spec.function_name
        mail = AlarmMail(self, "Mail", spec, email=spec.config.alarm_email) if spec.config.alarm_email else None
        self._action = actions.SnsAction(mail.topic) if mail else None
        self.errors = self._any("errors", alias_metric(spec, "Errors", "Sum"), "invocations that failed")
        self.throttles = self._any("throttles", alias_metric(spec, "Throttles", "Sum"), "throttled invocations")
        self.duration = self._slow(spec)
        waiting = failed.metric_approximate_number_of_messages_visible(period=Duration.minutes(5), statistic="Maximum")
        self.all = [
            self.errors,
            self.throttles,
            self.duration,
            self._any("failed-events", waiting, "events that failed after all retries"),
        ]
        if spec.has_init_metric:
            self.all.append(self._slow_init(spec))
        if spec.config.alarm_empty_percentage is not None:
            self.all.append(self._empty(spec, log_group, spec.config.alarm_empty_percentage))

    def _any(self, name: str, metric: cloudwatch.IMetric, what: str) -> cloudwatch.Alarm:
        return self._alarm(name, metric, threshold=1, periods=1, description=f"{self._function}: {what}")

    def _slow(self, spec: FunctionSpec) -> cloudwatch.Alarm:
        return self._alarm(
            "duration",
            alias_metric(spec, "Duration", "p99"),
            threshold=NEAR_TIMEOUT * spec.config.timeout * 1000,
            periods=3,
            description=f"{self._function}: p99 duration is at least {NEAR_TIMEOUT:.0%} of the timeout",
        )

    def _slow_init(self, spec: FunctionSpec) -> cloudwatch.Alarm:
        return self._alarm(
            "init",
            emitted_metric(spec, INIT_DURATION, "Maximum"),
            threshold=SLOW_INIT_MS,
            periods=1,
            description=f"{self._function}: a cold start is near the {INIT_LIMIT_S:.0f} seconds"
            " after which Lambda restarts it",
        )

    def _empty(self, spec: FunctionSpec, log_group: logs.ILogGroup, percentage: int) -> cloudwatch.Alarm:
        texts = EmptyTexts(self, "EmptyTexts", spec, log_group=log_group)
        return self._alarm(
            "empty-texts",
            texts.percentage,
            threshold=percentage,
            periods=1,
            description=f"{self._function}: at least {percentage} % of an hour's texts have no entities",
        )

    def _alarm(
        self, name: str, metric: cloudwatch.IMetric, *, threshold: float, periods: int, description: str
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{self._function}-{name}",
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if self._action is not None:
            alarm.add_alarm_action(self._action)
        return alarm
