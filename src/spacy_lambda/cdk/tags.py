"""Tags that identify resources, also on the bill."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Tags
from constructs import IConstruct

from .aws_names import FUNCTION_TAG, PIPELINE_TAG, PROJECT_TAG
from .spec import FunctionSpec, SharedSpec

__all__ = ["add_tags"]


def add_tags(scope: IConstruct, spec: FunctionSpec | SharedSpec) -> None:
    """Tag everything in a scope. Our tags cannot be overridden, because ``destroy`` searches by them."""
    for key, value in {**spec.tags, **_own(spec)}.items():
        Tags.of(scope).add(key, value)


def _own(spec: FunctionSpec | SharedSpec) -> Mapping[str, str]:
    if isinstance(spec, SharedSpec):
        return {PROJECT_TAG: spec.project}
    return {PROJECT_TAG: spec.project, FUNCTION_TAG: spec.name, PIPELINE_TAG: spec.sha256}
