"""The processes that an environment has started end with it, in any session or group."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from spacy_lambda.errors import LocalLambdaError
from spacy_lambda.local import invoke
from spacy_lambda.local.process import ProcessTree
from tests.local.local_lambda import CODE, DAEMONS, Lambda, is_gone, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no subreapers")


def slow(value: object) -> ParameterSet:
    """Return a parameter for the tests of ``make test`` alone."""
    return pytest.param(value, marks=pytest.mark.slow)


@pytest.mark.parametrize("last", ["timeout", *map(slow, ("exit", "close", "crash", "kill"))])
def test_daemons_end_with_their_environment(start: Callable[..., Lambda], last: str) -> None:
    local = start(timeout_s=2)
    left = invoke(local.endpoint_url, "function", DAEMONS).answer
    assert not any(map(is_gone, left["daemons"]))
    if last == "timeout":
        assert invoke(local.endpoint_url, "function", {"do": "sleep", "seconds": 60}).error is not None
    elif last in {"exit", "crash"}:
        assert invoke(local.endpoint_url, "function", {"do": "leave", "status": last == "crash"}).error is not None
    elif last == "kill":
        os.kill(left["pid"], signal.SIGKILL)
    else:
        local.close()
    wait_until(lambda: all(map(is_gone, [left["pid"], *left["daemons"]])))


def test_a_fork_of_the_server_holds_nothing_up(start: Callable[..., Lambda]) -> None:
    """As those of multiprocessing: it has copies of all files."""
    local = start(timeout_s=0.2)
    fork = os.fork()
    if not fork:
        signal.pause()
    try:
        left = invoke(local.endpoint_url, "function", {"do": "sleep", "seconds": 60})
        assert left.error is not None
        assert left.error.error_type == "Sandbox.Timedout"
        local.close()
    finally:
        os.kill(fork, signal.SIGKILL)
        os.waitpid(fork, 0)


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_function_that_stops_its_supervisor_ends(start: Callable[..., Lambda], seconds: float) -> None:
    local = start(timeout_s=0.5)
    result = invoke(local.endpoint_url, "function", {"do": "stop_parent", "seconds": seconds})
    assert (result.error is None) == (seconds == 0)
    (pid, *_) = local.environment_pids or [0]
    local.close()
    assert is_gone(pid)


def test_one_that_is_not_closed_ends_with_the_program(pipeline: Path, tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from spacy_lambda.local import FunctionSettings, LocalLambda
local = LocalLambda(FunctionSettings(pipeline=sys.argv[1], code=Path(sys.argv[2]), handler="stub.handler"))
assert local.invoke({"do": "echo"}).answer == {}
print(*local.environment_pids)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(pipeline), str(CODE)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert all(is_gone(int(pid)) for pid in done.stdout.split())
    assert list(tmp_path.glob("spacy-lambda-*")) == []


def test_one_that_is_interrupted_while_it_starts_leaves_nothing(pipeline: Path, tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from spacy_lambda.local import FunctionSettings, LocalLambda
code = {"code": Path(sys.argv[2]), "handler": "slow.handler"}
def log(number, line):
    os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
LocalLambda(FunctionSettings(pipeline=sys.argv[1], snap_start=True, **code), log=log)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(pipeline), str(CODE)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "KeyboardInterrupt" in done.stderr
    assert list(tmp_path.glob("spacy-lambda-*")) == []


@pytest.mark.slow
def test_daemons_of_others_stay(start: Callable[..., Lambda]) -> None:
    """Two environments of one server; the processes of one do not end with the other."""
    one, other = start(), start()
    kept = invoke(one.endpoint_url, "function", DAEMONS).answer
    gone = invoke(other.endpoint_url, "function", DAEMONS).answer
    other.close()
    assert all(map(is_gone, gone["daemons"]))
    assert not any(map(is_gone, [kept["pid"], *kept["daemons"]]))


@pytest.mark.parametrize("number", [signal.SIGKILL, *map(slow, (signal.SIGHUP, signal.SIGQUIT))])
def test_nothing_is_left_of_serve(served: tuple[subprocess.Popen[str], str], number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM are among the tests of the command."""
    process, endpoint = served
    left = invoke(endpoint, "function", DAEMONS).answer
    os.kill(process.pid, number)
    process.wait(timeout=60)
    wait_until(lambda: all(map(is_gone, [left["pid"], *left["daemons"]])))


def test_a_child_of_a_killed_supervisor_ends() -> None:
    async def run() -> None:
        tree = await ProcessTree.start(["sleep", "300"], env=dict(os.environ), cwd=Path("/"), output_fd=1)
        supervisor = int(Path(f"/proc/{tree.pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(supervisor, signal.SIGKILL)
        assert await tree.kill() == -signal.SIGKILL
        wait_until(lambda: is_gone(tree.pid))
        assert not tree.alive

    asyncio.run(run())


def test_a_missing_command_is_reported() -> None:
    async def run() -> None:
        await ProcessTree.start(["./nothing"], env=dict(os.environ), cwd=Path("/"), output_fd=1)

    with pytest.raises(LocalLambdaError, match=r"No such file or directory: \./nothing"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("command", "status"),
    [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", -9), ("kill -15 $$", -15)],
)
def test_the_exit_status_is_the_commands(command: str, status: int) -> None:
    async def run() -> int:
        tree = await ProcessTree.start(["sh", "-c", command], env=dict(os.environ), cwd=Path("/"), output_fd=1)
        return await tree.kill() if await tree.exited == status else -1

    assert asyncio.run(run()) == status


def test_a_process_has_exactly_the_variables_that_it_is_given(tmp_path: Path) -> None:
    async def run() -> int:
        with (tmp_path / "out").open("wb") as out:
            variables = {"PATH": os.environ["PATH"], "LANG": "nowhere"}
            tree = await ProcessTree.start(["env"], env=variables, cwd=tmp_path, output_fd=out.fileno())
            return await tree.exited or await tree.kill()

    assert asyncio.run(run()) == 0
    assert sorted((tmp_path / "out").read_text().split()) == ["LANG=nowhere", f"PATH={os.environ['PATH']}"]
