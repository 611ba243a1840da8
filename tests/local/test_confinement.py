"""The CPUs and the file system of a function."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from spacy_lambda.errors import LocalLambdaError
from spacy_lambda.local import FunctionSettings, Program, cpu_limit
from spacy_lambda.local import sandbox as sandbox_program
from spacy_lambda.local.confinement import Confinement, confine
from spacy_lambda.local.cpu_limit import CgroupParent, chosen_cpus, find_cgroup_parent
from spacy_lambda.local.file_system import inside, sandbox_options, why_unavailable
from tests.local.local_lambda import Lambda

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no namespaces")

SANDBOX = Path(sandbox_program.__file__)


def program(folder: Path) -> Program:
    return Program(
        command=lambda names: (sys.executable, "-S"),
        folder=folder,
        task_root=folder,
        runtime_dir=folder / "runtime",
        python="3.13",
        about="",
        fixed={"PYTHONPATH": str(folder)},
        mounts={folder: "/var/task"},
    )


def needs_sandbox(local: Lambda) -> None:
    if local.function.missing_limits:
        pytest.skip(f"this system has not all limits: {local.function.missing_limits}")


@pytest.mark.slow
def test_only_tmp_can_be_written(start: Callable[..., Lambda], tmp_path: Path) -> None:
    """Each path with the error that Lambda gives; ``/tmp`` is the environment's own and has a quota."""
    mounted, hidden = tmp_path / "mounted", tmp_path / "hidden"
    mounted.mkdir()
    hidden.touch()
    local = start(handler="probes.handler", mounts=(mounted,))
    needs_sandbox(local)
    read_only = "Read-only file system"
    for path, expected in {
        "/x": read_only,
        "/var/task/x": read_only,
        "x": read_only,
        "/dev/shm/x": read_only,
        str(Path(sys.prefix, "x")): read_only,
        str(Path.home() / "x"): read_only,
        "/tmp/x": "written",
        str(mounted / "x"): "written",
        str(tmp_path / "other"): "written",  # of the environment's own /tmp
        "/dev/null": "written",
    }.items():
        assert local.invoke({"do": "write", "path": path}).answer == expected, path
    assert local.invoke({"do": "write", "path": "/tmp/big", "mb": 520}).answer == "No space left on device"
    places = local.invoke({"do": "places"}).answer
    assert (places["cwd"], places["code"]) == ("/var/task", "/var/task/probes.py")
    assert {"x", "big"} < {*places["tmp"]}
    assert not {*places["tmp"]} & ({*os.listdir("/tmp")} - {tmp_path.parts[2], Path(sys.prefix).parts[2]})
    assert [*tmp_path.iterdir()] == [mounted, hidden] or [*tmp_path.iterdir()] == [hidden, mounted]
    assert (mounted / "x").exists()


def test_mapped_files_of_tmp_do_not_count(start: Callable[..., Lambda]) -> None:
    """They are on a disk in Lambda, and in memory here."""
    local = start(handler="probes.handler", memory_mb=160, timeout_s=120)
    needs_sandbox(local)
    assert local.invoke({"do": "map_file", "mb": 200}).answer == 200 * 16 * ord("x")


def test_without_limits_the_file_system_is_this_machines(start: Callable[..., Lambda], tmp_path: Path) -> None:
    local = start(handler="probes.handler", limits=False, memory_mb=128)
    assert local.invoke({"do": "write", "path": str(tmp_path / "x")}).answer == "written"
    assert (tmp_path / "x").exists()
    assert local.invoke({"do": "cpus"}).answer == len(os.sched_getaffinity(0))


def test_cpus_come_with_the_memory(start: Callable[..., Lambda]) -> None:
    local = start(handler="probes.handler", memory_mb=442)
    assert local.invoke({"do": "cpus"}).answer == 1
    if find_cgroup_parent() is None:
        assert any("only whole CPUs are limited, not 0.25" in line for line in local.function.missing_limits)
        return
    # At most its quarter; a busy machine may give it less.
    assert local.invoke({"do": "burn", "seconds": 1}).answer < 0.4


@pytest.mark.parametrize(("share", "number", "count"), [(0.5, 1, 1), (0.5, 2, 1), (1000.0, 3, 0)])
def test_chosen_cpus(share: float, number: int, count: int) -> None:
    cpus = chosen_cpus(share, number)
    assert len(cpus) == (count if len(os.sched_getaffinity(0)) > 1 else 0)
    assert {*cpus} <= os.sched_getaffinity(0)


def test_the_least_busy_cpus_are_chosen_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 2, 3})
    monkeypatch.setattr(cpu_limit, "_busy_levels", lambda: {0: 4, 1: 0, 2: 0, 3: 1})
    assert [chosen_cpus(1.0, number) for number in range(1, 5)] == [[2], [3], [0], [2]]
    assert chosen_cpus(1.5, 1) == [2, 3]


def test_how_busy_cpus_are_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat, ticks = tmp_path / "stat", os.sysconf("SC_CLK_TCK") * cpu_limit.SAMPLE_S
    stat.write_text("cpu  1 1 1 1 1\ncpu0 1 0 0 100 0\ncpu1 1 0 0 200 5\nintr 1\n")
    later = f"cpu0 1 0 0 {100 + ticks:.0f} 0\ncpu1 1 0 0 200 5\n"
    monkeypatch.setattr("time.sleep", lambda seconds: stat.write_text(later))
    assert cpu_limit._busy_levels(stat) == {0: 0, 1: 4}
    assert cpu_limit._busy_levels(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("version", "files"),
    [(1, {"cpu.cfs_period_us": "20000", "cpu.cfs_quota_us": "30000"}), (2, {"cpu.max": "30000 20000"})],
)
def test_the_folder_for_cgroups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, files: dict[str, str]
) -> None:
    assert CgroupParent(tmp_path, version).limits(1.5) == files
    proc, mount = tmp_path / "proc", tmp_path / "cgroup"
    folder = mount / "user"
    (folder / "own").mkdir(parents=True)
    (folder / "cgroup.subtree_control").write_text("cpu memory\n")
    for place in (folder, folder / "own"):
        (place / "cgroup.procs").touch()
    proc.mkdir()
    kind = "cgroup2 cgroup2 rw,nsdelegate" if version == 2 else "cgroup cgroup rw,cpu,cpuacct"
    (proc / "mountinfo").write_text(f"1 0 0:1 / /other rw - ext4 x rw\n32 31 0:29 / {mount} rw,relatime - {kind}\n")
    (proc / "cgroup").write_text("0::/user/own\n" if version == 2 else "4:cpuacct,cpu:/user/own\n0::/\n")
    assert find_cgroup_parent(proc=proc) is None  # an ordinary folder with files in it cannot be removed
    monkeypatch.setattr(CgroupParent, "works", lambda parent: True)
    assert find_cgroup_parent(proc=proc) == CgroupParent(folder if version == 2 else folder / "own", version)
    (folder / "cgroup.subtree_control").unlink()
    assert (find_cgroup_parent(proc=proc) is None) == (version == 2)
    assert find_cgroup_parent(proc=tmp_path / "none") is None


def test_what_is_not_enforced_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, given = FunctionSettings(pipeline="x", memory_mb=512), program(tmp_path)
    monkeypatch.setattr("spacy_lambda.local.confinement.find_cgroup_parent", lambda: None)
    monkeypatch.setattr("spacy_lambda.local.confinement.why_unavailable", lambda options: "unshare: not permitted")
    confinement = confine(settings, given)
    assert confinement.program is given
    assert confinement.missing == (
        "only whole CPUs are limited, not 0.29 vCPUs: no cgroup can be made here",
        "the file system is not read-only, and /tmp has no quota: unshare: not permitted",
    )
    assert not confinement.sandbox
    assert confine(FunctionSettings(pipeline="x", limits=False), given) == Confinement(program=given)


def test_the_program_inside(tmp_path: Path) -> None:
    seen = inside(program(tmp_path))
    assert (str(seen.folder), str(seen.task_root), seen.fixed["PYTHONPATH"]) == ("/var/task", "/var/task", "/var/task")
    assert str(seen.runtime_dir) == "/var/task/runtime"


def test_the_cache_of_the_caller_is_made(tmp_path: Path) -> None:
    """A function finds it where the caller has set it; one that the function itself names has to exist."""
    given, own = tmp_path / "given", tmp_path / "own"
    caller = replace(program(tmp_path), variables={"SPACY_LAMBDA_CACHE": str(given)})
    assert f"write={given}" in sandbox_options(FunctionSettings(pipeline="x"), caller)
    assert given.is_dir()
    settings = FunctionSettings(pipeline="x", environment={"SPACY_LAMBDA_CACHE": str(own)})
    assert f"write={own}" not in sandbox_options(settings, program(tmp_path))
    assert not own.exists()


def test_folders_that_variables_name_are_visible(tmp_path: Path) -> None:
    named, digest = tmp_path / "c#" / "model", "#sha256=" + 64 * "a"
    named.mkdir(parents=True)
    for value in (str(named), f"{named}{digest}", f"{named}@1.0", f"{named}@prod{digest}"):
        settings = FunctionSettings(pipeline="x", environment={"OTHER": value})
        assert f"read={named}" in sandbox_options(settings, program(tmp_path))
    no_name = FunctionSettings(pipeline="x", environment={"SPACY_LAMBDA_CACHE": "/" + 3000 * "x"})
    assert not any("xxx" in option for option in sandbox_options(no_name, program(tmp_path)))


def test_a_sandbox_that_fails_is_explained(tmp_path: Path) -> None:
    options = sandbox_options(FunctionSettings(pipeline="x"), program(tmp_path))
    assert f"mount=/var/task={tmp_path}" in options
    assert "tmp=512" in options
    reason = why_unavailable([f"mount=/var/task={tmp_path}/missing", *options])
    assert reason is not None
    assert "Traceback" not in reason


def test_a_user_without_privileges(tmp_path: Path) -> None:
    """The sandbox works in a user namespace, where the system allows these."""
    python = "/usr/bin/python3"
    if os.geteuid() != 0 or not Path(python).exists():
        pytest.skip("needs root, which gives up its privileges, and a Python that everybody can run")
    script = f"import os; os.setgroups([]); os.setgid(65534); os.setuid(65534); os.execv({python!r}, {[python]!r} + "
    words = ["-I", "-S", "-c", _ENTER, "tmp=16", "mount=/var/task=/usr/share"]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"{script}{words!r})"], capture_output=True, text=True, check=False, cwd="/"
    )
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(done.stderr)
    assert done.stdout.split() == ["/var/task", "30", "written", "65534"], done.stderr


_ENTER = f"""
import os, sys
source = {SANDBOX.read_text(encoding="utf-8").partition("if __name__")[0]!r}
module = {{"__name__": "sandbox"}}
exec(source, module)
module["enter"](module["Options"](sys.argv[1:]))
print(os.getcwd())
try:
    open("/x", "w")
except OSError as exc:
    print(exc.errno)
open("/tmp/x", "w").write("x")
print("written", os.getuid())
"""


def test_settings_outside_the_limits(tmp_path: Path) -> None:
    with pytest.raises(LocalLambdaError, match=r"storage 511 MB: 512 to 10240 MB") as caught:
        FunctionSettings(pipeline="x", storage_mb=511, mounts=(tmp_path / "nothing",))
    assert "this folder does not exist" in caught.value.message
