"""Estimates: the cheapest setting, regions with other prices, the plot, and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from spacy_lambda.cdk.prices import RegionPrices, describe_assumed, price_of, read_prices, usd
from spacy_lambda.cli.estimate import _notes
from spacy_lambda.errors import SizingError
from spacy_lambda.sizing import EstimateOptions, Figures, estimate_cost, plot_svg
from spacy_lambda.sizing.dollars import FunctionSetting
from spacy_lambda.sizing.estimation import MEMORY_SIZES
from tests.cli.in_process import run_main

FIGURES = Figures(init_s=2.0, ms=100.0, peak_mb=600, cpus=1.0, source="given")
GIVEN = ("estimate", "--duration", "100ms", "--init", "2s", "--peak", "600")


def test_the_cheapest_setting_meets_the_latency_and_has_room() -> None:
    slow, fast = (estimate_cost(FIGURES, EstimateOptions(latency_ms=ms)).cheapest for ms in (500, 60))
    assert slow is not None
    assert fast is not None
    assert fast.ms <= 60 < slow.ms <= 500
    assert slow.setting.memory_mb >= 1.25 * 600
    assert slow.usd < fast.usd
    assert (slow.setting.architecture, slow.setting.start) == ("arm64", "on-demand")


def test_given_sizes_are_the_only_ones() -> None:
    found = estimate_cost(FIGURES, EstimateOptions(memory_mb=(512, 1024), latency_ms=1000))
    assert {one.setting.memory_mb: one.fits for one in found.settings} == {512: False, 1024: True}
    assert found.cheapest is not None
    assert found.cheapest.setting.memory_mb == 1024


def test_the_rounding_of_durations_does_not_choose_the_memory() -> None:
    """Below one CPU, less memory takes longer and costs the same."""
    for ms in (5.0, 12.3, 20.05, 25.1, 36.9, 37.0, 37.1, 50.0, 58.4, 99.01, 204.0, 441.7):
        figures = Figures(init_s=0.8, ms=ms, peak_mb=154, cpus=1.0, source="given")
        found = estimate_cost(figures).cheapest
        assert found is not None
        assert found.setting == FunctionSetting(1769, "arm64"), ms


@pytest.mark.parametrize(("sizes", "best"), [((1728, 1769), 1769), ((1769, 1856), 1856), ((1769, 3008), 1769)])
def test_of_equally_cheap_settings_the_fastest_is_shown(sizes: tuple[int, ...], best: int) -> None:
    found = estimate_cost(FIGURES, EstimateOptions(memory_mb=sizes)).cheapest
    assert found is not None
    assert found.setting.memory_mb == best


def test_the_cheapest_setting_is_among_those_that_are_shown() -> None:
    found = estimate_cost(FIGURES, EstimateOptions(latency_ms=60))
    assert found.cheapest is not None
    assert found.cheapest.setting.memory_mb not in MEMORY_SIZES
    assert found.cheapest in found.settings
    sizes = [one.setting.memory_mb for one in found.settings]
    assert sizes == sorted(sizes)


def test_no_setting_is_fast_enough() -> None:
    found = estimate_cost(FIGURES, EstimateOptions(latency_ms=1))
    assert found.cheapest is None
    assert found.cold_starts_of == found.settings[0].setting


def test_a_price_that_is_not_known_is_left_out_and_named() -> None:
    found = estimate_cost(FIGURES, EstimateOptions(region="eu-central-1"))
    assert {(one.setting.architecture, one.setting.start) for one in found.settings} == {
        ("x86_64", "on-demand"),
        ("x86_64", "provisioned"),
        ("arm64", "on-demand"),
    }
    assert {"provisioned_gb_second_arm64", "snapshot_gb_second", "sagemaker_gb_second"} <= {*found.missing}
    assert [one.name for one in found.alternatives] == ["containers on Fargate, x86_64"]
    with pytest.raises(SizingError) as refused:
        estimate_cost(FIGURES, EstimateOptions(region="xx-west-1"))
    assert "eu-central-1" in refused.value.remedy


def test_cold_starts_at_three_kinds_of_traffic() -> None:
    found = estimate_cost(FIGURES).cold_starts
    assert [one.calls_per_hour for one in found] == [10, 100, 10_000]
    assert found[0].share > 0.4
    assert found[1].share < 0.01
    assert all({*one.usd} == {"on-demand", "snapstart", "provisioned"} for one in found)
    assert found[1].usd_month["snapstart"] == pytest.approx(found[1].usd["snapstart"] * 100 * 730 / 1e6)


def test_every_treatment_of_cold_starts_costs_what_it_adds_to_warm_calls() -> None:
    found = estimate_cost(FIGURES, EstimateOptions(memory_mb=(1769,)))
    parts = {
        one.setting.start: one.parts
        for one in found.settings
        if one.setting == replace(found.cold_starts_of, start=one.setting.start)
    }
    (cold,) = (one for one in found.cold_starts if one.calls_per_hour == found.options.calls_per_hour)
    assert cold.usd["on-demand"] == pytest.approx(parts["on-demand"]["inits"])
    assert cold.usd["snapstart"] == pytest.approx(parts["snapstart"]["snapshot"] + parts["snapstart"]["restores"])
    saved = parts["on-demand"]["duration"] - parts["provisioned"]["duration"]
    assert cold.usd["provisioned"] == pytest.approx(parts["provisioned"]["provisioned concurrency"] - saved)


def test_what_is_left_out_is_named_with_a_remedy() -> None:
    printed = run_main(*GIVEN, "--region", "eu-central-1").stdout
    assert "Managed Instances, SageMaker, Fargate on arm64, Inference Endpoints; --region us-east-1 has all" in printed


@pytest.mark.parametrize(
    "region", ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1", "ap-northeast-1"]
)
def test_a_call_has_a_price_in_common_regions(region: str) -> None:
    for name in ("million_requests", "gb_second_x86_64", "gb_second_arm64", "provisioned_gb_second_x86_64"):
        assert price_of(name, region) is not None


def test_prices_of_another_region_are_recorded_and_named() -> None:
    price = RegionPrices("eu-central-1")
    assert (price("log_gb"), price("efs_gb"), price("efs_gb")) == (0.63, usd("efs_gb"), usd("efs_gb"))
    assert price.assumed == ["efs_gb"]
    assert describe_assumed("eu-central-1", price.assumed) == (
        "; those of us-east-1 for what has no known price in eu-central-1: EFS"
    )
    assert describe_assumed("us-east-1", ()) == ""


def test_code_is_stored_in_s3_or_ecr() -> None:
    assert estimate_cost(FIGURES, code_bytes=10**8).storage == {
        "zip": pytest.approx(0.0023),
        "image": pytest.approx(0.01),
    }


def test_every_price_has_a_source_and_a_date() -> None:
    for name, price in read_prices().items():
        assert "us-east-1" in price.regions, name
        assert price.label
        for source in price.sources:
            assert source.url.startswith("https://"), name
            assert source.as_of.startswith("2026"), name
            assert all(value > 0 for value in source.usd.values()), name
        assert sum(len(source.usd) for source in price.sources) == len(price.regions), name
    assert price_of("efs_gb", "eu-west-1") is None
    assert usd("efs_gb", "eu-west-1") == usd("efs_gb")
    assert usd("log_gb", "eu-central-1") == 0.63
    assert usd("gb_second_x86_64", "af-south-1") > usd("gb_second_x86_64")


def test_the_plot_has_a_point_for_each_size_and_the_limit() -> None:
    found = estimate_cost(FIGURES, EstimateOptions(memory_mb=(512, 1024, 2048), latency_ms=300))
    svg = fromstring(plot_svg(found, title="<en_\x07core> & more"))
    titles = [one.text for one in svg.iter("{http://www.w3.org/2000/svg}title")]
    assert titles[0] == "<en_\x07core> & more".replace("\x07", "\N{REPLACEMENT CHARACTER}")
    assert sum(text is not None and text.startswith("x86_64, 1,024 MB") for text in titles) == 2
    assert not any(text is not None and "512 MB" in text for text in titles)
    assert "300 ms" in {one.text for one in svg.iter("{http://www.w3.org/2000/svg}text")}


@pytest.fixture(autouse=True)
def _without_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def test_the_command_prints_the_settings_and_draws_them(tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    done = run_main(*GIVEN, "--latency", "0.3s", "--memory", "1769", "--plot", str(plot))
    assert done.returncode == 0, done.stderr
    assert "1,769\tarm64\t100\t2.1\t" in done.stdout
    assert '\n  memory = 1769\n  architecture = "arm64"\n' in done.stdout
    assert "10,000\t" in done.stdout
    assert "SageMaker Serverless Inference\t" in done.stdout
    assert plot.read_text().startswith("<svg")
    assert f"error: {plot} exists" in run_main(*GIVEN, "--plot", str(plot)).stderr


def test_json_has_the_dates_of_the_prices() -> None:
    found = json.loads(run_main(*GIVEN, "--json", "--memory", "1769").stdout)
    assert found["prices"]["as_of"]["gb_second_x86_64"] == "2026-09-19"
    assert {one["start"] for one in found["settings"]} == {"on-demand", "snapstart", "provisioned"}
    assert found["cheapest"]["usd"] == pytest.approx(sum(found["cheapest"]["usd_parts"].values()))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--duration", "fast", "--init", "2s"], "is not a duration; write 300ms or 0.3s"),
        (["--duration", 400 * "9" + "ms", "--init", "2s"], "a function takes at most 900 s"),
        (["--duration", "100ms"], "--duration needs --init"),
        (["--peak", "100"], "--init and --peak need --duration"),
        ([], "name a pipeline or a bundle to measure"),
    ],
)
def test_options_that_are_refused(arguments: list[str], error: str) -> None:
    done = run_main("estimate", *arguments)
    assert done.returncode == 2
    assert error in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize(("cpu_part", "warned"), [(0.31, True), (0.95, False), (None, False)])
def test_a_starved_measurement_is_a_warning_before_the_cheapest_setting(cpu_part: float | None, warned: bool) -> None:
    first, *_ = _notes(estimate_cost(replace(FIGURES, cpu_part=cpu_part)))
    assert first.startswith("WARNING: this machine gave it 31% of a CPU" if warned else "cheapest")
