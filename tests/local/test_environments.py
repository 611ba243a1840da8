"""The end of environments that fail, and of idle ones."""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.local import Invocation, invoke
from tests.local.local_lambda import Lambda, is_gone, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def call(local: Lambda, event: dict[str, Any]) -> Invocation:
    return invoke(local.endpoint_url, "function", event)


def test_kill_during_a_request(start: Callable[..., Lambda]) -> None:
    local = start()
    with ThreadPoolExecutor(2) as threads:
        victim = threads.submit(call, local, {"do": "sleep", "seconds": 60})
        pid = int(local.log.wait_for("sleeping in").split()[-1])
        waiting = threads.submit(call, local, {"do": "echo", "a": 1})
        os.kill(pid, signal.SIGKILL)
        killed = victim.result()
        assert killed.status == 200
        message = f"RequestId: {killed.request_id} Error: Runtime exited with error: signal: killed"
        assert killed.answer == {"errorType": "Runtime.ExitError", "errorMessage": message}
        assert killed.error is not None
        assert waiting.result().answer == {"a": 1}


def test_exit_during_a_request(start: Callable[..., Lambda]) -> None:
    local = start()
    result = call(local, {"do": "leave", "status": 7})
    assert result.error is not None
    assert result.error.error_type == "Runtime.ExitError"
    assert result.error.message.endswith("Runtime exited with error: exit status 7")
    assert call(local, {"do": "echo"}).answer == {}


def test_kill_between_requests(start: Callable[..., Lambda]) -> None:
    local = start()
    pid = call(local, {"do": "describe"}).answer["pid"]
    assert local.environment_pids == (pid,)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: is_gone(pid))
    fresh = call(local, {"do": "describe"})
    assert fresh.error is None, fresh
    assert fresh.answer["pid"] != pid
    assert pid not in local.environment_pids


def test_timeout(start: Callable[..., Lambda]) -> None:
    local = start(timeout_s=1)
    pid = call(local, {"do": "leave_child"}).answer["pid"]
    result = call(local, {"do": "sleep", "seconds": 60})
    assert result.answer == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {result.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert result.report is not None
    assert result.report.duration_ms >= 1000
    assert result.report.status == "timeout"
    assert is_gone(pid)
    assert call(local, {"do": "echo"}).answer == {}


def test_init_error(start: Callable[..., Lambda]) -> None:
    local = start(handler="broken.handler")
    for _ in range(2):
        result = call(local, {})
        assert result.error is not None
        assert result.error.error_type == "ValueError"
        assert result.error.message == "no model today"
    assert "INIT_REPORT" in result.log_tail
    assert "no model today" in result.log_tail


def test_handler_that_is_not_there(start: Callable[..., Lambda]) -> None:
    result = call(start(handler="nothing.handler"), {})
    assert result.error is not None
    assert result.error.error_type == "Runtime.ImportModuleError"


def test_exit_during_init(start: Callable[..., Lambda]) -> None:
    result = call(start(handler="leaves.handler"), {})
    assert result.error is not None
    assert result.error.error_type == "Runtime.ExitError"
    assert result.error.message.endswith("exit status 3")


def test_init_that_does_not_end(start: Callable[..., Lambda]) -> None:
    """It runs again in the invocation, and takes all of the function's timeout."""
    local = start(handler="slow.handler", timeout_s=0.7, init_limit_s=0.5)
    result = call(local, {})
    assert result.error is not None
    assert result.error.error_type == "Sandbox.Timedout"
    assert result.error.message.endswith("Task timed out after 0.70 seconds")
    assert result.error.failure is not None
    assert result.error.failure.message == "its timeout of 0.7 s ended before its init did"
    assert result.log_tail.index("Phase: init\tStatus: timeout") < result.log_tail.index("START RequestId")
    assert result.log_tail.index("START RequestId") < result.log_tail.index("Phase: invoke\tStatus: timeout")
    assert result.report is not None
    assert result.report.init_ms is None
    assert result.report.duration_ms >= 700
    assert result.report.status == "timeout"


@pytest.mark.slow
@pytest.mark.parametrize("first", ["exit", "sleep"])
def test_init_that_works_the_second_time(start: Callable[..., Lambda], tmp_path: Path, first: str) -> None:
    """The invocation pays for it: in its duration, and in the time that is left to the handler."""
    environment = {"MARKER": "/tmp/marker", "FIRST": first}
    local = start(handler="second.handler", timeout_s=60, init_limit_s=2, environment=environment)
    result = call(local, {})
    assert result.error is None, result.error
    status = "error\tError Type: Runtime.ExitError" if first == "exit" else "timeout"
    assert f"Phase: init\tStatus: {status}" in result.log_tail
    assert result.report is not None
    assert result.report.init_ms is None
    assert result.answer["remaining_ms"] < 60_000 - result.report.duration_ms / 2
    again = call(local, {})
    assert again.answer["remaining_ms"] > result.answer["remaining_ms"]
    assert "INIT" not in again.log_tail


@pytest.mark.slow
@pytest.mark.parametrize("child", [False, True, "daemon"])
def test_too_much_memory(start: Callable[..., Lambda], child: bool | str) -> None:
    local = start(memory_mb=200)
    result = call(local, {"do": "eat", "mb": 300, "child": child})
    assert result.error is not None
    assert result.error.error_type == "Runtime.ExitError"
    assert result.error.message.endswith("Runtime exited with error: signal: killed")
    assert result.report is not None
    assert result.report.max_memory_mb == 200
    assert call(local, {"do": "echo"}).answer == {}


@pytest.mark.slow
def test_memory_that_processes_share_counts_once(start: Callable[..., Lambda]) -> None:
    result = call(start(memory_mb=400), {"do": "fork", "mb": 200, "children": 2, "seconds": 0.3})
    assert result.error is None, result.error
    assert result.report is not None
    assert result.report.max_memory_mb is not None
    assert 200 < result.report.max_memory_mb < 400


@pytest.mark.slow
def test_memory_that_suffices(start: Callable[..., Lambda]) -> None:
    """Without limits, the same does; the peak is that of all processes."""
    for changes in ({"memory_mb": 500}, {"memory_mb": 128, "limits": False}):
        result = call(start(**changes), {"do": "eat", "mb": 300, "seconds": 0.2})
        assert result.answer == 300 << 20
        assert result.report is not None
        assert result.report.max_memory_mb is not None
        assert result.report.max_memory_mb > 300


def test_idle_environments_are_ended(start: Callable[..., Lambda]) -> None:
    local = start(idle_timeout_s=0.2)
    left = call(local, {"do": "leave_child"}).answer
    wait_until(lambda: is_gone(left["pid"]) and is_gone(left["child"]))
    wait_until(lambda: local.environment_pids == ())
    assert call(local, {"do": "describe"}).answer["pid"] != left["pid"]


def test_one_environment_serves_one_caller(start: Callable[..., Lambda]) -> None:
    local = start(max_concurrency=4)
    assert len({call(local, {"do": "describe"}).answer["pid"] for _ in range(10)}) == 1


def test_environments_that_were_killed_together(start: Callable[..., Lambda]) -> None:
    """The requests that follow go to fresh ones, whether or not the system has ended the processes by then."""
    local = start(max_concurrency=2)
    with ThreadPoolExecutor(2) as threads:
        assert len({*threads.map(lambda _: call(local, {"do": "sleep", "seconds": 0.5}).request_id, range(2))}) == 2
        for pid in local.environment_pids:
            os.kill(pid, signal.SIGKILL)
        for result in threads.map(lambda number: call(local, {"do": "echo", "n": number}), range(2)):
            assert result.error is None, result


@pytest.mark.parametrize("reserved", [0, 1])
def test_reserved_concurrency(start: Callable[..., Lambda], reserved: int) -> None:
    local = start(reserved_concurrency=reserved)
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(call, local, {"do": "sleep", "seconds": 1.5}) if reserved else None
        if busy is not None:
            local.log.wait_for("sleeping in")
        with pytest.raises(local.client.exceptions.TooManyRequestsException) as caught:
            local.client.invoke(FunctionName="function")
        response = caught.value.response
        assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        assert (response["retryAfterSeconds"], response["Type"], response["Error"]["Message"]) == (
            "1",
            "User",
            "Rate Exceeded.",
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(local.url + "/predict")
        with refused.value:
            assert refused.value.code == 429
        if busy is not None:
            assert busy.result().error is None


def test_full_queue_is_429(start: Callable[..., Lambda]) -> None:
    local = start(queue_limit=0)
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(call, local, {"do": "sleep", "seconds": 1.5})
        local.log.wait_for("sleeping in")
        with pytest.raises(local.client.exceptions.TooManyRequestsException) as caught:
            local.client.invoke(FunctionName="function")
        assert caught.value.response["Reason"] == "ConcurrentInvocationLimitExceeded"
        assert busy.result().error is None


def test_waiting_too_long_is_429(start: Callable[..., Lambda]) -> None:
    local = start(queue_timeout_s=0.2)
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(call, local, {"do": "sleep", "seconds": 1.5})
        local.log.wait_for("sleeping in")
        with pytest.raises(local.client.exceptions.TooManyRequestsException):
            local.client.invoke(FunctionName="function")
        assert busy.result().error is None


def test_close_fails_waiting_requests_and_leaves_nothing(start: Callable[..., Lambda]) -> None:
    local = start()
    with ThreadPoolExecutor(2) as threads:
        busy = threads.submit(call, local, {"do": "sleep", "seconds": 60})
        pid = int(local.log.wait_for("sleeping in").split()[-1])
        root = local.function.program.task_root
        local.close()
        answer = json.dumps(busy.result().answer)
    assert "Runtime.ExitError" in answer
    assert is_gone(pid)
    assert not root.exists()


@pytest.mark.parametrize("module", ["boto3", "pytest", "stub_only_here"])
def test_only_the_base_install_can_be_imported(local: Lambda, module: str) -> None:
    assert call(local, {"do": "can_import", "module": module}).answer is None


def test_the_base_install_can_be_imported(local: Lambda) -> None:
    for module in ("spacy", "onnxruntime", "tokenizers", "numpy", "spacy_lambda.errors"):
        assert call(local, {"do": "can_import", "module": module}).answer == module
    factories = call(local, {"do": "factories"}).answer
    assert "spacy_lambda.OnnxListener.v1" in factories
    assert all(name.startswith("spacy_lambda.") for name in factories)


@pytest.mark.slow
def test_nothing_of_the_callers_environment(start: Callable[..., Lambda], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("SECRET", "1")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "HASWELL")
    local = start(environment={"MY_LIMIT": "5", "_HANDLER": "other"}, memory_mb=512, name="mine", version="7")
    variables = invoke(local.endpoint_url, "mine", {"do": "describe"}).answer["variables"]
    assert "SECRET" not in variables
    sandboxed = not any("file system" in line for line in local.function.missing_limits)
    root = "/var/task" if sandboxed else str(local.function.program.task_root)
    assert variables["PYTHONPATH"] == variables["LAMBDA_TASK_ROOT"] == root
    assert variables["PATH"] == "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
    assert "HOME" not in variables
    assert variables["OPENBLAS_CORETYPE"] == "HASWELL"
    assert variables["MY_LIMIT"] == "5"
    assert variables["_HANDLER"] == "stub.handler"
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "mine"
    assert variables["AWS_LAMBDA_FUNCTION_VERSION"] == "7"
    assert "/[7]" in variables["AWS_LAMBDA_LOG_STREAM_NAME"]
    assert local.log.wait_for("START RequestId").endswith(" Version: 7")
