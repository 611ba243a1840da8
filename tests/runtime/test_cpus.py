"""CPUs that are really there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from spacy_lambda.runtime.cpus import available_cpus

HERE = len(os.sched_getaffinity(0))


@pytest.fixture
def many_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(6)))


def test_without_limits(tmp_path: Path) -> None:
    assert available_cpus({}, cgroup=tmp_path) == HERE


@pytest.mark.usefixtures("many_cpus")
@pytest.mark.parametrize(
    ("memory", "cpus"),
    [("128", 1), ("1769", 1), ("1770", 2), ("3008", 2), ("3538", 2), ("10240", 6), ("", 6)],
)
def test_memory_of_the_function(tmp_path: Path, memory: str, cpus: int) -> None:
    assert available_cpus({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory}, cgroup=tmp_path) == cpus


@pytest.mark.usefixtures("many_cpus")
@pytest.mark.parametrize(
    ("quota", "cpus"), [("max 100000", 6), ("50000 100000", 1), ("150000 100000", 2), ("nonsense", 6)]
)
def test_cgroup_v2(tmp_path: Path, quota: str, cpus: int) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    assert available_cpus({}, cgroup=tmp_path) == cpus


@pytest.mark.usefixtures("many_cpus")
@pytest.mark.parametrize(("quota", "cpus"), [("-1", 6), ("200000", 2), ("20000", 1)])
def test_cgroup_v1(tmp_path: Path, quota: str, cpus: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert available_cpus({}, cgroup=tmp_path) == cpus
