"""Monthly budget of the function, with an email when it is exceeded."""

from __future__ import annotations

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from .aws_names import FUNCTION_TAG, PROJECT_TAG
from .spec import FunctionSpec, SpecError

__all__ = ["MonthlyBudget"]

_Budget = budgets.CfnBudget


class MonthlyBudget(Construct):
    """A budget for the resources with the function's tags. Tags count once they are activated as cost allocation tags.

    :param spec: The function; it has a budget.
    :raises SpecError: If ``alarm_email`` is not set.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec) -> None:
        super().__init__(scope, id)
        if spec.config.alarm_email is None:
            raise SpecError(f"the budget of {spec.name!r} requires alarm_email", remedy="set alarm_email")
        budget = _Budget(
            self,
            "Budget",
            budget=_Budget.BudgetDataProperty(
                budget_name=spec.function_name,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=_Budget.SpendProperty(amount=spec.config.budget or 0, unit="USD"),
                metrics=["UnblendedCost"],
            ),
            notifications_with_subscribers=[
                _mail("ACTUAL", spec.config.alarm_email),
                _mail("FORECASTED", spec.config.alarm_email),
            ],
        )
        # The CDK's own property loses tags that are inside of "And".
        budget.add_property_override("Budget.FilterExpression", {"And": _tags(spec)})


def _tags(spec: FunctionSpec) -> list[dict[str, dict[str, str | list[str]]]]:
    wanted = {PROJECT_TAG: spec.project, FUNCTION_TAG: spec.name}
    return [{"Tags": {"Key": key, "Values": [value]}} for key, value in wanted.items()]


def _mail(kind: str, address: str) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
    """Send an email when the limit is exceeded (``ACTUAL``), or forecast to be (``FORECASTED``)."""
    return _Budget.NotificationWithSubscribersProperty(
        notification=_Budget.NotificationProperty(
            notification_type=kind, comparison_operator="GREATER_THAN", threshold=100, threshold_type="PERCENTAGE"
        ),
        subscribers=[_Budget.SubscriberProperty(subscription_type="EMAIL", address=address)],
    )
