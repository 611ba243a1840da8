"""SnapStart: one init before the first request, and the hooks around the snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from spacy_lambda.errors import LocalLambdaError
from spacy_lambda.local import snap_start
from tests.local.local_lambda import Lambda, wait_until

Start = Callable[..., Lambda]


def test_the_hooks_are_called_and_the_restore_is_reported(start: Start) -> None:
    local = start(handler="hooks.handler", snap_start=True)
    assert any(line.startswith("INIT_REPORT Init Duration") for line in local.log.lines)
    first, second = (local.invoke({}) for _ in range(2))
    assert first.answer == second.answer == ["init snap-start False", "before", "after"]
    assert "RESTORE_START Runtime Version: python:" in first.log_tail
    assert "RESTORE_REPORT Restore Duration: " in first.log_tail
    assert "INIT" not in first.log_tail
    assert "RESTORE" not in second.log_tail
    assert first.report is not None
    assert second.report is not None
    assert first.report.init_ms is None
    assert first.report.restore_ms is not None
    assert second.report.restore_ms is None


def test_an_init_that_fails_before_the_snapshot(start: Start) -> None:
    with pytest.raises(LocalLambdaError, match=r"the init failed before the snapshot: .*no snapshot today"):
        start(handler="hooks.handler", snap_start=True, environment={"FAILS": "before"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fails", "status", "error_type"),
    [("after", 400, "SnapStartException"), ("slow", 408, "SnapStartTimeoutException")],
)
def test_a_restore_that_fails(
    start: Start, monkeypatch: pytest.MonkeyPatch, fails: str, status: int, error_type: str
) -> None:
    monkeypatch.setattr(snap_start, "RESTORE_LIMIT_S", 3.0)
    local = start(handler="hooks.handler", snap_start=True, environment={"FAILS": fails})
    with pytest.raises(ClientError) as caught:
        local.client.invoke(FunctionName="function")
    response: Any = caught.value.response
    assert (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]) == (status, error_type)
    local.log.wait_for(f"Status: {'error' if fails == 'after' else 'timeout'}")
    wait_until(lambda: local.environment_pids == ())


def test_snap_start_has_limits_of_its_own(start: Start) -> None:
    with pytest.raises(LocalLambdaError, match="SnapStart with 1024 MB of ephemeral storage"):
        start(snap_start=True, storage_mb=1024)
