"""Tags by which resources are found again, and by which the bill is split."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Tags
from constructs import IConstruct

from spacy_lambda.deploy.spec import FunctionSpec, SharedSpec

__all__ = ["FUNCTION", "MODEL", "PROJECT", "add_tags"]

PROJECT = "spacy-lambda:project"
FUNCTION = "spacy-lambda:function"
MODEL = "spacy-lambda:model"


def add_tags(scope: IConstruct, spec: FunctionSpec | SharedSpec) -> None:
    """Tag everything in a scope; ours cannot be overridden, because ``destroy`` looks for them."""
    for key, value in {**spec.tags, **_own(spec)}.items():
        Tags.of(scope).add(key, value)


def _own(spec: FunctionSpec | SharedSpec) -> Mapping[str, str]:
    if isinstance(spec, SharedSpec):
        return {PROJECT: spec.project}
    return {PROJECT: spec.project, FUNCTION: spec.name, MODEL: spec.sha256}
