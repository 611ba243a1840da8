"""What things are called in AWS."""

from __future__ import annotations

__all__ = ["bucket_name", "repository_name", "stack_name"]


def stack_name(project: str, function: str | None = None) -> str:
    """The stack of a function; without one, the stack of what all of them share."""
    return f"{project}-{function}" if function else project


def bucket_name(project: str, *, account: str, region: str) -> str:
    """The artifact bucket. Names of buckets are one for the whole world, so it has the account and the region in it."""
    return f"{project}-models-{account}-{region}"


def repository_name(project: str, function: str) -> str:
    """The ECR repository of a function's images."""
    return f"{project}/{function}"
