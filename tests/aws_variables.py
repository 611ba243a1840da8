"""AWS's variables in tests: none of this machine's own, or credentials that open nothing."""

from __future__ import annotations

import os

import pytest

__all__ = ["fake_credentials", "without_aws_variables"]


def without_aws_variables(patch: pytest.MonkeyPatch) -> None:
    """Remove all of them, and leave the AWS SDK no other source of credentials."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            patch.delenv(name)
    patch.setenv("AWS_CONFIG_FILE", os.devnull)
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def fake_credentials(patch: pytest.MonkeyPatch) -> None:
    """Set credentials that moto accepts, and no other endpoint."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        patch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "test")
