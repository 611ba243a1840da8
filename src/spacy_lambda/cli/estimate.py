"""``spacy-lambda estimate``: what a million texts cost, at which memory, and what cold starts cost."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spacy_lambda.cdk.prices import FALLBACK_REGION, describe_prices, price_labels, read_prices
from spacy_lambda.cli.console import print_json, print_lines, print_table, print_wrapped
from spacy_lambda.cli.options import ForceFileOption, JsonOption, RegionOption, SampleTextsOption, finite
from spacy_lambda.cli.output_paths import check_output_file, writable
from spacy_lambda.cli.progress import stages
from spacy_lambda.core.compiled_meta import COMPILE_SMALLER
from spacy_lambda.core.lambda_limits import MAX_MEMORY_MB, MAX_TIMEOUT_S, MIN_MEMORY_MB
from spacy_lambda.errors import SizingError

if TYPE_CHECKING:
    from spacy_lambda.sizing.dollars import Start
    from spacy_lambda.sizing.estimation import CostEstimate, SettingCost
    from spacy_lambda.sizing.figures import Figures

_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]*)?)\s*(?P<unit>ms|s)")
MAX_CALLS_PER_HOUR = 1e8
SHOWN = 0.01
STARTS: dict[Start, str] = {"on-demand": "on demand", "snapstart": "SnapStart", "provisioned": "provisioned"}


def milliseconds(value: str | None) -> float | None:
    """Return the milliseconds of a duration such as ``300ms`` or ``0.3s``.

    :raises typer.BadParameter: If it is not one, or longer than a function may take.
    """
    if value is None:
        return None
    found = _DURATION.fullmatch(value.strip())
    if found is None or not float(found["number"]):
        raise typer.BadParameter(f"{value!a} is not a duration; write 300ms or 0.3s")
    ms = float(found["number"]) * (1000 if found["unit"] == "s" else 1)
    if ms > MAX_TIMEOUT_S * 1000:
        raise typer.BadParameter(f"a function takes at most {MAX_TIMEOUT_S} s; write a shorter duration")
    return ms


def estimate(
    pipeline: Annotated[
        str | None,
        typer.Argument(help="Compiled pipeline or bundle to measure.", show_default="the figures of --duration"),
    ] = None,
    *,
    texts: SampleTextsOption = None,
    memory: Annotated[
        list[int] | None,
        typer.Option(
            min=MIN_MEMORY_MB, max=MAX_MEMORY_MB, help="Memory size in MB; repeatable.", show_default="several"
        ),
    ] = None,
    latency: Annotated[
        str | None, typer.Option(metavar="300ms", help="Maximum duration of a text; the cheapest setting is shown.")
    ] = None,
    calls_per_hour: Annotated[
        float,
        typer.Option(min=0.001, max=MAX_CALLS_PER_HOUR, callback=finite, help="Calls an hour, all day and night."),
    ] = 100.0,
    region: RegionOption = None,
    duration: Annotated[
        str | None, typer.Option(metavar="25ms", help="Duration of a text with 1,769 MB, instead of measuring it.")
    ] = None,
    init: Annotated[
        str | None, typer.Option(metavar="1.5s", help="Duration of an init with 1,769 MB, with --duration.")
    ] = None,
    peak: Annotated[
        int | None, typer.Option(min=1, metavar="MB", help="Peak memory, with --duration.", show_default="unknown")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(callback=writable, metavar="FILE.svg", help="Draw cost and duration against memory.")
    ] = None,
    force: ForceFileOption = False,
    as_json: JsonOption = False,
) -> None:
    """Estimate the cost of a million texts and of cold starts, by list prices, and find the cheapest setting.

    Example: spacy-lambda estimate compiled --texts texts.jsonl --latency 300ms
    """
    from spacy_lambda.config.precedence import ambient_region
    from spacy_lambda.core.files import replacing
    from spacy_lambda.sizing.estimation import EstimateOptions, estimate_cost
    from spacy_lambda.sizing.estimation import estimate as estimate_pipeline

    check_output_file(plot, inputs=(pipeline, texts), force=force, error=SizingError)
    options = EstimateOptions(
        memory_mb=tuple(sorted({*(memory or ())})),
        latency_ms=milliseconds(latency),
        region=region or ambient_region(os.environ) or FALLBACK_REGION,
        calls_per_hour=calls_per_hour,
    )
    given = _given_figures(milliseconds(duration), milliseconds(init), peak)
    if given is not None:
        found = estimate_cost(given, options)
    elif pipeline is None:
        raise typer.BadParameter("name a pipeline or a bundle to measure, or give --duration and --init")
    else:
        with stages(quiet=as_json) as on_step:
            found = estimate_pipeline(pipeline, options, texts=texts, on_step=on_step)
    if plot is not None:
        from spacy_lambda.sizing.plot import plot_svg

        with replacing(plot) as file:
            file.write(plot_svg(found, title=f"Cost and duration of {pipeline or 'the function'}").encode())
    if as_json:
        print_json(_facts(found))
        return
    _print(found)
    if plot is not None:
        print_lines(f"plot: {plot}")


def _given_figures(ms: float | None, init_ms: float | None, peak: int | None) -> Figures | None:
    from spacy_lambda.sizing.figures import Figures

    if ms is None:
        if init_ms is not None or peak is not None:
            raise typer.BadParameter("--init and --peak need --duration")
        return None
    if init_ms is None:
        raise typer.BadParameter("--duration needs --init")
    return Figures(init_s=init_ms / 1000, ms=ms, peak_mb=peak, cpus=1.0, source="given on the command line")


def _facts(found: CostEstimate) -> dict[str, Any]:
    return {
        "figures": found.figures,
        "options": found.options,
        "prices": _price_facts(found),
        "settings": [_setting_facts(one) for one in found.settings],
        "cheapest": None if found.cheapest is None else _setting_facts(found.cheapest),
        "cold_starts": found.cold_starts,
        "storage_usd_month": found.storage,
        "alternatives": found.alternatives,
    }


def _price_facts(found: CostEstimate) -> dict[str, Any]:
    sources = {name: source for name, price in read_prices().items() if (source := price.source(found.options.region))}
    return {
        "as_of": {name: source.as_of for name, source in sources.items()},
        "sources": {name: source.url for name, source in sources.items()},
        "missing": found.missing,
    }


def _setting_facts(one: SettingCost) -> dict[str, Any]:
    return {
        **vars(one.setting),
        "ms": one.ms,
        "cold_s": one.cold_s,
        "fits": one.fits,
        "usd": one.usd,
        "usd_parts": one.parts,
    }


def _print(found: CostEstimate) -> None:
    figures, options = found.figures, found.options
    peak = "" if figures.peak_mb is None else f", peak memory {figures.peak_mb:,} MB"
    print_wrapped(
        f"{figures.ms:.1f} ms a text, init {figures.init_s:.2f} s{peak}, on {figures.cpus:.2g} CPU: {figures.source}",
        f"US dollars for a million texts, one in each request, at {options.calls_per_hour:,g} calls an hour;"
        f" {describe_prices(options.region)}, without the free tier",
        hang=2,
    )
    print_table(
        [">memory", "architecture", ">ms a text", ">cold start, s", *(f">{name}" for name in STARTS.values())],
        _rows(found),
    )
    _print_cold_starts(found)
    if found.alternatives:
        _print_alternatives(found)
    print_wrapped(*_notes(found), hang=2)


def _print_alternatives(found: CostEstimate) -> None:
    print_table(
        ["instead", ">ms a text", ">a million", ">a month", "with"],
        [
            (one.name, f"{one.ms:.0f}", _dollars(one.usd), _dollars(one.usd_month), one.about)
            for one in found.alternatives
        ],
        title=f"US dollars at {found.options.calls_per_hour:,g} calls an hour",
    )


def _dollars(value: float) -> str:
    return "< 0.01" if 0 < value < SHOWN else f"{value:z,.2f}"


def _rows(found: CostEstimate) -> Iterator[tuple[str, ...]]:
    groups: dict[tuple[int, str], dict[Start, SettingCost]] = {}
    for one in found.settings:
        groups.setdefault((one.setting.memory_mb, one.setting.architecture), {})[one.setting.start] = one
    for (memory, architecture), group in groups.items():
        first = group["on-demand"]
        usd = (f"{group[start].usd:,.2f}" if start in group else "" for start in STARTS)
        cold = "" if first.cold_s is None else f"{first.cold_s:.1f}"
        figures = (f"{first.ms:.0f}", cold, *usd) if first.fits else ("too little memory", "", *("" for _ in STARTS))
        yield f"{memory:,}", architecture, *figures


def _print_cold_starts(found: CostEstimate) -> None:
    setting, figures = found.cold_starts_of, found.figures
    print_table(
        [">calls an hour", ">cold", *(f">{name}" for name in STARTS.values())],
        [
            (
                f"{one.calls_per_hour:,g}",
                f"{one.share:.2%}",
                *(_dollars(one.usd_month[start]) if start in one.usd_month else "" for start in STARTS),
            )
            for one in found.cold_starts
        ],
        title=f"cold starts of {figures.init_s_at(setting.memory_mb):.1f} s with {setting.memory_mb:,} MB,"
        f" {setting.architecture}: US dollars a month for them alone, without requests and warm durations",
    )


def _notes(found: CostEstimate) -> Iterator[str]:
    from spacy_lambda.sizing.figures import IDLE_MACHINE_REMEDY

    if found.figures.starved:
        yield (
            f"WARNING: {found.figures.starved}, so durations and dollars are too high: {IDLE_MACHINE_REMEDY},"
            " or pass --duration and --init"
        )
    yield from _cheapest_setting(found)
    yield (
        "ms a text: warm; other memory sizes, and arm64, are computed from the one measurement, arm64 as fast as the"
        " machine that was measured: `spacy-lambda tune` measures a deployed function"
    )
    yield (
        "cold: a model with calls at random times, and an idle environment kept for"
        f" {found.options.idle_s / 60:g} min, which AWS does not promise"
    )
    yield (
        "SnapStart: one version's snapshot and the restores; the duration of a restore is known only after a"
        " deployment, and that of hooks after it, which is billed, is not included"
    )
    yield from _packages(found)
    missing = price_labels(found.missing)
    if missing:
        yield (
            f"left out, because no source of a price in {found.options.region} is known: {', '.join(missing)};"
            f" --region {FALLBACK_REGION} has all of them"
        )


def _cheapest_setting(found: CostEstimate) -> Iterator[str]:
    from spacy_lambda.sizing.dollars import Traffic

    best, limit, calls = found.cheapest, found.options.latency_ms, found.options.calls_per_hour
    within = "" if limit is None else f" within {limit:g} ms"
    if best is None:
        yield f"no setting is{within or ' large enough'}: {COMPILE_SMALLER}, or give more --memory"
        return
    setting = best.setting
    yield (
        f"cheapest{within}: ${best.usd:,.2f} a million, ${Traffic(calls).monthly(best.usd):,.2f} a month, with"
        f" {setting.memory_mb:,} MB, {setting.architecture}, {STARTS[setting.start]}; in spacy-lambda.toml:"
    )
    yield f"  memory = {setting.memory_mb}"
    yield f'  architecture = "{setting.architecture}"'
    yield from (["  snapstart = true"] if setting.start == "snapstart" else [])


def _packages(found: CostEstimate) -> Iterator[str]:
    stored = " or ".join(f"${usd:.4f} as {package}" for package, usd in found.storage.items())
    code = (
        f", except for the code of a version: {stored} a month"
        if stored
        else ", except for the storage of a version's code"
    )
    yield f"a zip and an image cost the same{code}; the first starts of an image, which AWS has not cached, take longer"
