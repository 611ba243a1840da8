"""Acknowledged findings of rule packs.

Each construct has a small table of them, so that cdk-nag over an app with our constructs shows the reasons and no
findings. The reasons are in the assembly's metadata, not in the templates.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

__all__ = ["acknowledge", "wildcard"]


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge findings.

    :param construct: The construct with the findings.
    :param reasons: Reasons by the finding's name.
    """
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=why) for rule, why in reasons.items()))


def wildcard(construct: IConstruct, resource: str) -> str:
    """Return the name of the finding for a policy's resource that ends in ``*``.

    :param resource: An ARN, whose partition may be a token.
    """
    return f"AwsSolutions-IAM5[Resource::{resource.replace(Stack.of(construct).partition, '<AWS::Partition>')}]"
