"""A mail when the function costs more than was meant."""

from __future__ import annotations

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from spacy_lambda.config.aws_names import FUNCTION_TAG, PROJECT_TAG, stack_name
from spacy_lambda.deploy.spec import FunctionSpec

__all__ = ["MonthlyBudget"]

_Budget = budgets.CfnBudget


class MonthlyBudget(Construct):
    """A budget of what has the function's tags. They count from when they are activated as cost allocation tags.

    :param spec: The function; it has a budget.
    :raises ValueError: If there is no address to tell.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec) -> None:
        super().__init__(scope, id)
        if spec.alarm_email is None:
            raise ValueError(f"the budget of {spec.name!r} needs an address for its mails: set alarm_email")
        budget = _Budget(
            self,
            "Budget",
            budget=_Budget.BudgetDataProperty(
                budget_name=stack_name(spec.project, spec.name),
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=_Budget.SpendProperty(amount=spec.budget or 0, unit="USD"),
                metrics=["UnblendedCost"],
            ),
            notifications_with_subscribers=[
                _mail("ACTUAL", spec.alarm_email),
                _mail("FORECASTED", spec.alarm_email),
            ],
        )
        # The CDK's own property loses tags that are inside of "And".
        budget.add_property_override("Budget.FilterExpression", {"And": _tags(spec)})


def _tags(spec: FunctionSpec) -> list[dict[str, dict[str, str | list[str]]]]:
    wanted = {PROJECT_TAG: spec.project, FUNCTION_TAG: spec.name}
    return [{"Tags": {"Key": key, "Values": [value]}} for key, value in wanted.items()]


def _mail(kind: str, address: str) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
    """Tell when the limit is reached, or is going to be."""
    return _Budget.NotificationWithSubscribersProperty(
        notification=_Budget.NotificationProperty(
            notification_type=kind, comparison_operator="GREATER_THAN", threshold=100, threshold_type="PERCENTAGE"
        ),
        subscribers=[_Budget.SubscriberProperty(subscription_type="EMAIL", address=address)],
    )
