"""Topic and email address that receive alarms."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from .acknowledge import acknowledge
from .spec import FunctionSpec

__all__ = ["AlarmMail"]

ACKNOWLEDGED = {
    "Serverless-SNSRedrivePolicy": "An email that cannot be delivered is acceptable: CloudWatch and "
    "'spacy-lambda status' still show the alarm, and nobody would read a queue of lost emails.",
}


class AlarmMail(Construct):
    """A topic for the alarms of one function, which only they can publish to, with one email address.

    It is not encrypted with a KMS key: alarms contain only names and numbers, and CloudWatch needs a customer managed
    key, which costs by the month.

    :param spec: The function.
    :param email: The address; Amazon asks it to confirm first.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec, *, email: str) -> None:
        super().__init__(scope, id)
        function = spec.function_name
        self.topic = sns.Topic(self, "Topic", topic_name=f"{function}-alarms", enforce_ssl=True)
        alarms = f"arn:{Stack.of(self).partition}:cloudwatch:{spec.region}:{spec.account}:alarm:{function}-*"
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"ArnLike": {"aws:SourceArn": alarms}, "StringEquals": {"aws:SourceAccount": spec.account}},
            )
        )
        subscription = self.topic.add_subscription(subscriptions.EmailSubscription(email))
        acknowledge(subscription, ACKNOWLEDGED)
