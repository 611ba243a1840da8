"""SnapStart: a runtime that waits after its init, and continues as a restored one.

There is no snapshot: the process itself waits between its hooks.
"""

from __future__ import annotations

import time

from spacy_lambda.errors import LocalLambdaError
from spacy_lambda.local import lambda_errors
from spacy_lambda.local.log_pipe import LogPipe
from spacy_lambda.local.started_runtime import StartedRuntime, init_report

__all__ = ["SnapStartFailed", "restore", "take_snapshot"]

INIT_LIMIT_S = 130.0
"""Seconds that an init before a snapshot may take, unless the function's timeout is longer:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html."""

RESTORE_LIMIT_S = 10.0
"""Seconds that a restore may take with its hooks: https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html."""


class SnapStartFailed(Exception):
    """An environment cannot be restored.

    :param status: The HTTP status of the Invoke API.
    :param error_type: The name of the exception that clients raise.
    """

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type


async def take_snapshot(runtime: StartedRuntime, logs: LogPipe, *, timeout_s: float) -> None:
    """Run the init and the hooks before the snapshot, as Lambda does when a version is published.

    :param timeout_s: The function's timeout.
    :raises LocalLambdaError: If one of them fails.
    """
    limit_s, snapshotted = max(INIT_LIMIT_S, timeout_s), runtime.api.snapshotted
    await runtime.happens(snapshotted.wait(), timeout_s=limit_s - runtime.elapsed_s)
    failed, init_ms = await runtime.init_failure("", limit_s, event=snapshotted), runtime.elapsed_s * 1000
    if failed is not None:
        logs.write(init_report(failed, init_ms, phase="init"))
        raise LocalLambdaError(
            f"the init failed before the snapshot: {failed.payload.decode('utf-8', 'replace')}",
            remedy="correct what the function's log shows",
        )
    logs.write(f"INIT_REPORT Init Duration: {init_ms:.2f} ms")
    logs.take_tail()


async def restore(runtime: StartedRuntime, logs: LogPipe, *, python: str) -> float:
    """Continue after the snapshot.

    :returns: The milliseconds until the runtime requests work.
    :raises SnapStartFailed: If a hook fails, or the hooks take too long.
    """
    api, began = runtime.api, time.perf_counter()
    logs.write(f"RESTORE_START Runtime Version: python:{python}")
    api.restore()
    await runtime.happens(api.idle.wait(), timeout_s=RESTORE_LIMIT_S)
    restore_ms = (time.perf_counter() - began) * 1000
    line = f"RESTORE_REPORT Restore Duration: {restore_ms:.2f} ms"
    if api.restore_error is not None or not runtime.process.alive:
        error_type = lambda_errors.EXIT_ERROR if api.restore_error is None else api.restore_error.error_type
        logs.write(f"{line}\tStatus: error\tError Type: {error_type}")
        raise SnapStartFailed(400, "SnapStartException", "The afterRestore() runtime hook encountered an error.")
    if not api.idle.is_set():
        logs.write(f"{line}\tStatus: timeout")
        message = "Lambda couldn't restore the snapshot within the timeout limit."
        raise SnapStartFailed(408, "SnapStartTimeoutException", message)
    logs.write(line)
    return restore_ms
