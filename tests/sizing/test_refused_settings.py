"""Settings that Lambda refuses."""

from __future__ import annotations

from typing import Any

import pytest

from spacy_lambda.sizing import CheckOptions
from spacy_lambda.sizing.refused_settings import check_settings


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"memory_mb": 64}, "memory of 64 MB"),
        ({"memory_mb": 10_241}, "memory of 10,241 MB"),
        ({"timeout_s": 901}, "a timeout of 901 s"),
        ({"timeout_s": 0}, "a timeout of 0 s"),
        ({"ephemeral_mb": 100}, "/tmp of 100 MB"),
        ({"architecture": "riscv"}, "unknown architecture 'riscv'"),
        ({"python": "3.11"}, "no runtime for Python 3.11"),
        ({"snapstart": True, "efs": True}, "SnapStart with a file system"),
        ({"snapstart": True, "ephemeral_mb": 513}, "SnapStart with /tmp over 512 MB"),
        ({"snapstart": True, "provisioned": True}, "SnapStart with provisioned concurrency"),
    ],
)
def test_settings_that_lambda_refuses(changes: dict[str, Any], part: str) -> None:
    (found,) = check_settings(CheckOptions(**changes))
    assert (found.status, part in found.detail) == ("fails", True)
    assert found.remedy


def test_settings_that_lambda_takes() -> None:
    (found,) = check_settings(CheckOptions(snapstart=True, architecture="arm64", python="3.13"))
    assert (found.status, found.detail) == ("ok", "2,048 MB, timeout 30 s, arm64, Python 3.13, SnapStart")
