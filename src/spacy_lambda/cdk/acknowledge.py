"""Findings of rule packs that we looked at and leave as they are.

Each construct has a small table of them, so that whoever runs cdk-nag over an app with our constructs sees the reasons
and no finding. The reasons are in the assembly's metadata, not in the templates.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

__all__ = ["acknowledge", "wildcard"]


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge findings.

    :param construct: What they concern.
    :param reasons: By the finding's name.
    """
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=why) for rule, why in reasons.items()))


def wildcard(construct: IConstruct, resource: str) -> str:
    """The name of the finding that a policy's resource ends in a ``*``.

    :param resource: An ARN, in which the partition may not be known yet.
    """
    return f"AwsSolutions-IAM5[Resource::{resource.replace(Stack.of(construct).partition, '<AWS::Partition>')}]"
