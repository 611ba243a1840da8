"""What a million texts cost: worked examples from the list prices, and properties."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.core.vcpus import slowdown
from spacy_lambda.sizing.alternatives import (
    container,
    inference_endpoint,
    managed_instances,
    sagemaker_serverless,
)
from spacy_lambda.sizing.cold_starts import blocked_share, cold_share, environments_for
from spacy_lambda.sizing.dollars import FunctionSetting, MissingPrice, Start, Traffic, lambda_cost, price_lookup
from spacy_lambda.sizing.figures import Figures

US = price_lookup("us-east-1")
ONE_CPU = Figures(init_s=2.0, ms=150.0, peak_mb=300, cpus=2048 / 1769, source="given")
"""Of a function with 2,048 MB."""

PARTS: dict[Start, set[str]] = {
    "on-demand": {"requests", "duration", "inits"},
    "snapstart": {"requests", "duration", "snapshot", "restores"},
    "provisioned": {"requests", "duration", "provisioned concurrency"},
}


def test_a_million_warm_texts_of_150_ms_with_2048_mb() -> None:
    """2 GB x 0.15 s x 0.0000166667 x a million = 5.00, and 0.20 for the requests."""
    found = lambda_cost(ONE_CPU, FunctionSetting(2048, "x86_64"), Traffic(1e6), US)
    assert found["requests"] == 0.20
    assert found["duration"] == pytest.approx(5.00001)


def test_a_million_texts_on_arm64_are_a_fifth_cheaper() -> None:
    """2 GB x 0.15 s x 0.0000133334 x a million = 4.00."""
    assert lambda_cost(ONE_CPU, FunctionSetting(2048, "arm64"), Traffic(100), US)["duration"] == pytest.approx(4.00002)


def test_one_restore_costs_as_much_as_8_4_s_of_duration() -> None:
    """0.0001397998 / 0.0000166667 = 8.388 s, at any memory size."""
    figures = Figures(init_s=8.388, ms=150.0, peak_mb=None, cpus=1.0, source="given")
    for memory in (1769, 4096, 10_240):
        inits, restores = (
            lambda_cost(figures, FunctionSetting(memory, "x86_64", start), Traffic(10), US)
            for start in ("on-demand", "snapstart")
        )
        assert restores["restores"] == pytest.approx(inits["inits"], rel=1e-4)


def test_a_snapshot_of_2_gb_costs_7_91_a_month() -> None:
    """2 GB x 730 h x 3,600 s x 0.0000015046 = 7.908; at 1,000 calls an hour a month has 730,000 calls."""
    found = lambda_cost(ONE_CPU, FunctionSetting(2048, "x86_64", "snapstart"), Traffic(1000), US)
    assert found["snapshot"] * 0.73 == pytest.approx(7.908, rel=1e-3)


def test_a_provisioned_environment_of_2_gb_costs_21_90_a_month() -> None:
    """2 GB x 730 h x 3,600 s x 0.0000041667 = 21.90; its duration 2 x 0.15 x 0.0000097222 x a million = 2.917."""
    found = lambda_cost(ONE_CPU, FunctionSetting(2048, "x86_64", "provisioned"), Traffic(100), US)
    assert found["provisioned concurrency"] * 0.073 == pytest.approx(21.90, rel=1e-3)
    assert found["duration"] == pytest.approx(2.91666)


def test_a_begun_millisecond_is_billed() -> None:
    """With one vCPU: 1,769 / 1,024 GB x 0.024 s x 0.0000166667 x a million = 0.691."""
    figures = Figures(init_s=0.0, ms=23.2, peak_mb=None, cpus=1.0, source="given")
    found = lambda_cost(figures, FunctionSetting(1769, "x86_64"), Traffic(100), US)
    assert found["duration"] == pytest.approx(1769 / 1024 * 0.024 * 16.6667)


def test_inits_are_billed_by_the_share_of_cold_calls() -> None:
    """Ten calls an hour, 300 s: exp(-10/12) = 43.5 % are cold; 2.0 s x 1,769 / 1,024 GB x 0.0000166667 each."""
    figures = Figures(init_s=2.0, ms=1.0, peak_mb=None, cpus=1.0, source="given")
    found = lambda_cost(figures, FunctionSetting(1769, "x86_64"), Traffic(10), US)
    assert found["inits"] == pytest.approx(1e6 * math.exp(-10 / 12) * 2 * 1769 / 1024 * 0.0000166667, rel=1e-3)


def test_a_missing_price_is_named() -> None:
    with pytest.raises(MissingPrice, match="snapshot_gb_second"):
        lambda_cost(ONE_CPU, FunctionSetting(2048, "x86_64", "snapstart"), Traffic(100), price_lookup("eu-central-1"))


def test_three_managed_instances_run_all_the_time() -> None:
    """c7g.xlarge: 0.145 x 1.15 = 0.16675 an hour; three of them for 10,000 hours, and 0.20."""
    found = managed_instances(ONE_CPU, "arm64", Traffic(100), US)
    assert found is not None
    assert found.usd == pytest.approx(3 * 0.16675 * 10_000 + 0.20)


def test_processes_of_managed_instances_have_to_fit_into_memory() -> None:
    figures = Figures(init_s=1.0, ms=100.0, peak_mb=3000, cpus=1.0, source="given")
    found = managed_instances(figures, "x86_64", Traffic(100), US)
    assert found is not None
    assert "2 processes" in found.about
    huge = Figures(init_s=1.0, ms=100.0, peak_mb=9000, cpus=1.0, source="given")
    assert managed_instances(huge, "x86_64", Traffic(100), US) is None
    assert container(huge, "x86_64", Traffic(100), US) is None
    assert sagemaker_serverless(huge, Traffic(100), US) is None
    assert inference_endpoint(huge, Traffic(100), US) is None


def test_sagemaker_with_3_gb_is_0_00006_a_second() -> None:
    figures = Figures(init_s=1.0, ms=1000.0, peak_mb=2500, cpus=3072 / 1769, source="given")
    found = sagemaker_serverless(figures, Traffic(100), US)
    assert found is not None
    assert found.usd == pytest.approx(60.0)


def test_an_endpoint_of_hugging_face_runs_all_the_time() -> None:
    """0.033 an hour: 24.09 a month, and two of them from 70 % of the time of one."""
    figures = Figures(init_s=1.0, ms=100.0, peak_mb=300, cpus=1.0, source="given")
    found = inference_endpoint(figures, Traffic(100), US)
    more = inference_endpoint(figures, Traffic(26_000), US)
    assert found is not None
    assert more is not None
    assert found.usd == pytest.approx(0.033 * 10_000)
    assert found.usd_month == pytest.approx(24.09)
    assert found.about == "1 of 1 vCPU and 2 GB, all the time"
    assert more.usd_month == pytest.approx(2 * 24.09)


def test_a_container_of_one_vcpu_and_2_gb() -> None:
    """0.04048 + 2 x 0.004445 = 0.04937 an hour, for 100 hours."""
    found = container(ONE_CPU, "x86_64", Traffic(10_000), US)
    assert found is not None
    assert found.usd == pytest.approx(4.937)


memories = st.integers(256, 10_240)
traffics = st.floats(0.1, 1e5)
loads = st.floats(1e-6, 200)


@given(st.floats(1, 60_000), memories, st.floats(0.1, 60))
def test_more_memory_costs_no_less_for_a_duration(ms: float, memory: int, init_s: float) -> None:
    """Of one duration: figures that were measured with each of the two memory sizes."""
    smaller, larger = (
        lambda_cost(
            Figures(init_s=init_s, ms=ms, peak_mb=None, cpus=size / 1769, source=""),
            FunctionSetting(size, "x86_64"),
            Traffic(100),
            US,
        )
        for size in (memory, memory + 64)
    )
    assert all(smaller[part] <= larger[part] for part in smaller)


@given(st.floats(1, 1000), memories, traffics)
def test_every_part_is_known_and_not_negative(ms: float, memory: int, calls: float) -> None:
    figures = Figures(init_s=1.0, ms=ms, peak_mb=None, cpus=1.0, source="")
    for start, parts in PARTS.items():
        found = lambda_cost(figures, FunctionSetting(memory, "arm64", start), Traffic(calls), US)
        assert {*found} == parts
        assert all(value >= 0 for value in found.values())


@given(st.floats(0.05, 6), st.floats(0.05, 6))
def test_more_cpus_are_not_slower(cpus: float, more: float) -> None:
    assert slowdown(cpus + more) < slowdown(cpus)


@given(traffics, st.floats(0.001, 10), st.floats(1, 3600))
def test_the_cold_share_is_a_share_and_falls_with_the_time_that_environments_are_kept(
    calls: float, seconds: float, idle_s: float
) -> None:
    share = cold_share(calls, seconds=seconds, idle_s=idle_s)
    assert 0 <= cold_share(calls, seconds=seconds, idle_s=2 * idle_s) <= share <= 1


@given(st.floats(0.1, 100), st.floats(1.1, 10))
def test_more_calls_one_after_the_other_are_less_often_cold(calls: float, factor: float) -> None:
    assert cold_share(calls * factor, seconds=1e-6) <= cold_share(calls, seconds=1e-6) + 1e-6


def test_one_call_a_day_is_always_cold() -> None:
    assert cold_share(1 / 24, seconds=0.1) == pytest.approx(1, abs=0.01)


@given(st.integers(1, 100), loads)
def test_more_environments_turn_fewer_calls_away(environments: int, load: float) -> None:
    assert 0 <= blocked_share(environments + 1, load) <= blocked_share(environments, load) <= 1


def test_erlangs_table() -> None:
    """Ten servers and a load of five: 1.84 % are turned away; 1 % needs eleven."""
    assert blocked_share(10, 5.0) == pytest.approx(0.0184, abs=5e-5)
    assert environments_for(5.0) == 11


@given(loads)
def test_as_many_environments_as_are_needed(load: float) -> None:
    number = environments_for(load)
    assert blocked_share(number, load) <= 0.01
    assert number == 1 or blocked_share(number - 1, load) > 0.01
