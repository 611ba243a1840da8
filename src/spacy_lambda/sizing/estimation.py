"""Figures of a function -> what a million texts cost at several settings, and which setting to take."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from spacy_lambda.cdk.prices import FALLBACK_REGION, price_of, read_prices
from spacy_lambda.config.rules import MIN_MEMORY_MB
from spacy_lambda.core.files import StrPath
from spacy_lambda.core.lambda_function import ARCHITECTURES
from spacy_lambda.core.lambda_limits import MAX_MEMORY_MB, MB_PER_VCPU, NEW_ACCOUNT_MEMORY_MB
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.errors import SizingError
from spacy_lambda.sizing.alternatives import Alternative, alternatives
from spacy_lambda.sizing.cold_starts import KEPT_IDLE_S, cold_share
from spacy_lambda.sizing.dollars import (
    STARTS,
    FunctionSetting,
    MissingPrice,
    PriceLookup,
    Start,
    Traffic,
    lambda_cost,
    price_lookup,
)
from spacy_lambda.sizing.figures import Figures

__all__ = [
    "MEMORY_SIZES",
    "TIE",
    "ColdStartCost",
    "CostEstimate",
    "EstimateOptions",
    "SettingCost",
    "estimate",
    "estimate_cost",
]

MEMORY_SIZES = (512, 1024, MB_PER_VCPU, NEW_ACCOUNT_MEMORY_MB, 2 * MB_PER_VCPU, 4 * MB_PER_VCPU, MAX_MEMORY_MB)
STEP_MB = 64
"""Between the memory sizes among which the cheapest one is looked for."""

USED = (
    *("gb_second_", "million_req", "provisioned_", "snapshot_", "restored_"),
    *("managed_", "sagemaker_", "fargate_", "inference_endpoint_"),
)
"""Beginnings of the names of the prices that an estimate uses."""

HEADROOM = 1.25
"""Memory of a recommended setting, as a multiple of the peak."""

TIE = 1.02
"""Cost, as a multiple of the lowest, up to which a setting counts as equally cheap."""

CALLS_PER_HOUR = (10.0, 100.0, 10_000.0)
"""Traffic for which the cost of cold starts is shown."""


@dataclass(frozen=True, kw_only=True)
class EstimateOptions:
    """Options of an estimate.

    :param memory_mb: Memory sizes; empty for :data:`MEMORY_SIZES`.
    :param latency_ms: Maximum milliseconds of a text, warm.
    :param region: Region of the prices.
    :param calls_per_hour: Calls, all day and night.
    :param idle_s: Seconds for which Lambda keeps an idle environment.
    """

    memory_mb: tuple[int, ...] = ()
    latency_ms: float | None = None
    region: str = FALLBACK_REGION
    calls_per_hour: float = 100.0
    idle_s: float = KEPT_IDLE_S


@dataclass(frozen=True, kw_only=True)
class SettingCost:
    """One setting.

    :param setting: The setting.
    :param ms: Milliseconds of a text, warm.
    :param cold_s: Seconds of a cold call: init and text; ``None`` where it depends on AWS alone.
    :param fits: The peak memory is within its memory.
    :param parts: Dollars of a million texts, by what is billed.
    """

    setting: FunctionSetting
    ms: float
    cold_s: float | None
    fits: bool
    parts: dict[str, float]

    @property
    def usd(self) -> float:
        """Dollars of a million texts."""
        return sum(self.parts.values())


@dataclass(frozen=True, kw_only=True)
class ColdStartCost:
    """Cold starts at a number of calls.

    :param calls_per_hour: The calls.
    :param share: Share of them that is cold.
    :param usd: Dollars of a million calls for what is done about cold starts, by treatment: inits, snapshot and
        restores, or provisioned concurrency, less what is saved by its price of the duration.
    :param usd_month: The same for the calls of a month.
    """

    calls_per_hour: float
    share: float
    usd: dict[Start, float]
    usd_month: dict[Start, float]


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """The result.

    :param figures: The figures that it is made of.
    :param options: Its options.
    :param settings: Every memory size, architecture and treatment of cold starts whose prices are known; with the
        memory size of ``cheapest``.
    :param cheapest: The cheapest setting within the latency, of equally cheap ones the fastest; ``None`` if none is.
    :param cold_starts_of: The setting of ``cold_starts``: the cheapest, else the first one.
    :param cold_starts: The cost of cold starts, by traffic.
    :param alternatives: The same texts elsewhere.
    :param storage: Dollars a month for a version's code, as a zip in S3 and as an image in ECR without its base;
        empty if its size is not known, or the prices.
    :param missing: Prices that are not known in the region, so that what needs them is left out.
    """

    figures: Figures
    options: EstimateOptions
    settings: tuple[SettingCost, ...]
    cheapest: SettingCost | None
    cold_starts_of: FunctionSetting
    cold_starts: tuple[ColdStartCost, ...]
    alternatives: tuple[Alternative, ...]
    storage: dict[str, float]
    missing: tuple[str, ...]


def estimate(
    pipeline: StrPath,
    options: EstimateOptions = EstimateOptions(),
    *,
    texts: StrPath | None = None,
    on_step: OnStep = no_progress,
) -> CostEstimate:
    """Measure a function in the local Lambda, and estimate its cost.

    :param pipeline: A compiled pipeline or a bundle.
    :param options: Memory sizes, latency, traffic and region.
    :param texts: Texts like those of the callers; by default a built-in sample.
    :param on_step: Called with each step's name, the number of steps done, and their total.
    :raises SizingError: If it fails, or no price of the region is known.
    """
    from spacy_lambda.sizing.measurement import measure  # needs the extra ``local``
    from spacy_lambda.sizing.texts import BUILT_IN_TEXTS, read_texts

    sample = BUILT_IN_TEXTS if texts is None else read_texts(Path(texts))
    figures, path = measure(str(pipeline), sample, on_step=on_step), Path(pipeline)
    return estimate_cost(figures, options, code_bytes=path.stat().st_size if path.is_file() else None)


def estimate_cost(
    figures: Figures, options: EstimateOptions = EstimateOptions(), *, code_bytes: int | None = None
) -> CostEstimate:
    """Estimate the cost of a million texts, each in a request of its own.

    :param figures: Measured or given figures.
    :param options: Memory sizes, latency, traffic and region.
    :param code_bytes: Bytes of the zip.
    :raises SizingError: If no price of the region is known.
    """
    price, traffic = price_lookup(options.region), Traffic(options.calls_per_hour, options.idle_s)
    cheapest = _cheapest(figures, options, traffic, price)
    shown_sizes = {*(options.memory_mb or MEMORY_SIZES), *([] if cheapest is None else [cheapest.setting.memory_mb])}
    settings = tuple(_costs(figures, sorted(shown_sizes), traffic, price))
    if not settings:
        known = ", ".join(sorted(read_prices()["gb_second_x86_64"].regions & read_prices()["million_requests"].regions))
        raise SizingError(
            f"no prices of Lambda in {options.region!r} are known", remedy=f"choose a region with --region: {known}"
        )
    shown = cheapest or settings[0]
    return CostEstimate(
        figures=figures,
        options=options,
        settings=settings,
        cheapest=cheapest,
        cold_starts_of=shown.setting,
        cold_starts=tuple(_cold_starts(figures, shown.setting, options, price)),
        alternatives=_alternatives(figures, traffic, price),
        storage={} if code_bytes is None else _storage(code_bytes, options.region),
        missing=tuple(name for name in read_prices() if _is_missing(name, options.region)),
    )


def _alternatives(figures: Figures, traffic: Traffic, price: PriceLookup) -> tuple[Alternative, ...]:
    """Return those of all architectures, each kind together, and those of one architecture once."""
    found = {
        one.name: one for architecture in ARCHITECTURES for one in alternatives(figures, architecture, traffic, price)
    }
    return tuple(sorted(found.values(), key=lambda one: one.name.partition(",")[0]))


def _costs(figures: Figures, sizes: Iterable[int], traffic: Traffic, price: PriceLookup) -> Iterator[SettingCost]:
    for memory in sizes:
        for architecture in ARCHITECTURES:
            for start in STARTS:
                found = _cost(figures, FunctionSetting(memory, architecture, start), traffic, price)
                if found is not None:
                    yield found


def _cost(figures: Figures, setting: FunctionSetting, traffic: Traffic, price: PriceLookup) -> SettingCost | None:
    try:
        parts = lambda_cost(figures, setting, traffic, price)
    except MissingPrice:
        return None
    ms = figures.ms_at(setting.memory_mb)
    cold_s = figures.init_s_at(setting.memory_mb) + ms / 1000 if setting.start == "on-demand" else None
    return SettingCost(setting=setting, ms=ms, cold_s=cold_s, fits=figures.fits(setting.memory_mb), parts=parts)


def _cheapest(figures: Figures, options: EstimateOptions, traffic: Traffic, price: PriceLookup) -> SettingCost | None:
    """Return the cheapest setting within the latency, with room above the peak; of the given sizes if there are any.

    Of equally cheap settings, it is the fastest one of the sizes that are shown anyway, else the fastest one. Durations
    are not rounded up here: the mean of texts stands for many durations, so its last millisecond says nothing.
    """
    steps = {*range(MIN_MEMORY_MB, MAX_MEMORY_MB + 1, STEP_MB), *MEMORY_SIZES}
    room = HEADROOM * (figures.peak_mb or 0)
    sizes = options.memory_mb or sorted(size for size in steps if size >= room)
    found = [
        one
        for one in _costs(figures, sizes, traffic, price)
        if one.fits and (options.latency_ms is None or one.ms <= options.latency_ms)
    ]
    lowest = min((_unrounded(one) for one in found), default=0.0)
    ties = (one for one in found if _unrounded(one) <= TIE * lowest)
    shown = options.memory_mb or MEMORY_SIZES
    return min(ties, key=lambda one: (one.setting.memory_mb not in shown, one.ms, one.usd), default=None)


def _unrounded(one: SettingCost) -> float:
    """Return the dollars of a million texts without the rounding of their mean duration to whole milliseconds."""
    billed = max(1, math.ceil(round(one.ms, 6)))
    return one.usd - one.parts["duration"] * (1 - max(1.0, one.ms) / billed)


def _cold_starts(
    figures: Figures, setting: FunctionSetting, options: EstimateOptions, price: PriceLookup
) -> Iterator[ColdStartCost]:
    for calls in sorted({*CALLS_PER_HOUR, options.calls_per_hour}):
        traffic = Traffic(calls, options.idle_s)
        costs = {
            start: found
            for start in STARTS
            if (found := _cost(figures, replace(setting, start=start), traffic, price)) is not None
        }
        warm = sum(costs["on-demand"].parts[part] for part in ("requests", "duration"))
        usd = {start: found.usd - warm for start, found in costs.items()}
        yield ColdStartCost(
            calls_per_hour=calls,
            share=cold_share(calls, seconds=figures.ms_at(setting.memory_mb) / 1000, idle_s=options.idle_s),
            usd=usd,
            usd_month={start: traffic.monthly(dollars) for start, dollars in usd.items()},
        )


def _storage(code_bytes: int, region: str) -> dict[str, float]:
    prices = {"zip": price_of("s3_gb", region), "image": price_of("ecr_gb", region)}
    return {package: code_bytes / 1e9 * price for package, price in prices.items() if price is not None}


def _is_missing(name: str, region: str) -> bool:
    """Return whether a price that an estimate uses is not known."""
    return name.startswith(USED) and price_of(name, region) is None
