"""The plan of ``deploy``: as plain values, and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from spacy_lambda.cli.console import print_lines, print_wrapped
from spacy_lambda.core.counts import count

if TYPE_CHECKING:
    from spacy_lambda.deploy.planning import Plan, Planned
    from spacy_lambda.deploy.resources import PlannedResource

__all__ = ["plan_facts", "print_plan"]

SHARED = {"AWS::S3::Bucket": "bucket", "AWS::ECR::Repository": "images"}
"""Shared resources that people know, by type."""

COLUMN = 18
"""Column in which the values of a plan begin."""

SHOWN = 0.005
"""Dollars from which a part of the cost is shown."""


def plan_facts(planned: Planned, plan: Plan) -> dict[str, Any]:
    """Return one function of a plan as plain values."""
    bundle, cost, latency = planned.prepared.bundle, planned.cost, planned.prepared.latency
    return {
        "function": planned.spec.function_name,
        "new": planned.is_new,
        "live_version": planned.live,
        "shape": planned.prepared.config.shape if bundle.package_type == "image" else "zip",
        "reason": bundle.reason,
        "bytes": {"zipped": bundle.zipped, "unzipped": bundle.unzipped},
        "model_sha256": bundle.pipeline_sha256,
        "golden_texts": len(planned.prepared.golden_tests),
        "state": {one.name: one.value for one in planned.state},
        "changes": [vars(one) for one in planned.changes],
        "difference": planned.difference,
        "callers": {"public": planned.callers.public, "about": planned.callers.about},
        "concurrency": {"reserved": planned.limit.reserved, "about": planned.limit.about},
        "warnings": list(planned.warnings),
        "resources": _named(planned.resources),
        "shared_resources": _named(plan.shared_resources),
        "cost_usd": {
            "idle_month": _rounded(cost.idle),
            "idle_month_total": round(cost.idle_total, 2),
            "in_use_month": _rounded(cost.in_use),
            "custom_metrics": cost.metrics,
            "million_texts": round(cost.million, 2),
            "million_texts_parts": _rounded(cost.per_million),
            "assumed_ms_per_text": round(cost.ms, 1),
            "measured": {
                "texts_from": latency.source,
                "texts": latency.texts,
                "median_characters": latency.characters,
                "runs": latency.runs,
                "ms_per_text_here": round(latency.ms, 1),
                "cpus_here": round(latency.cpus, 2),
                "load_here": round(latency.load, 1),
            },
        },
    }


def _rounded(dollars: Mapping[str, float]) -> dict[str, float]:
    return {key: round(value, 2) for key, value in dollars.items()}


def _named(resources: Iterable[PlannedResource]) -> list[dict[str, str]]:
    return [{"kind": one.kind, "name": one.name} for one in resources]


def print_plan(plan: Plan, *, account: str, err: bool = False) -> None:
    """Print a plan as text: the final state, its cost, and what changes; with the difference, if the plan has it.

    :param account: The first line.
    """
    write, wrap = partial(print_lines, err=err), partial(print_wrapped, hang=COLUMN, err=err)
    write(account)
    if not plan.bootstrapped:
        write("  + cdk bootstrap: once per account and region")
    for one in plan.functions:
        state = "new" if one.is_new else f"version {one.live} is live" if one.live else "no version is live"
        write("", f"{one.spec.function_name} ({state})")
        wrap(*(f"  {fact.name + ':':<15} {fact.value}" for fact in one.state))
        for warning in one.warnings:
            wrap(f"  WARNING: {warning}", hang=4)
        wrap("  cost:", *_cost(one))
        if one.difference is not None:
            write("  difference:", *_indented(one.difference or "no changes"))
            write("  resources when it is live:", *_listed(one.resources))
        wrap(f"  changes:        {_changes(one)}")
    write("", "shared by the functions of the project:", *_shared(plan))


def _changes(planned: Planned) -> str:
    from spacy_lambda.deploy.changes import describe_changes

    return "everything is new" if planned.is_new else describe_changes(planned.changes)


def _cost(planned: Planned) -> Iterator[str]:
    from spacy_lambda.cdk.prices import describe_assumed, describe_prices

    cost, latency, memory = planned.cost, planned.prepared.latency, planned.prepared.config.memory
    yield f"    a month:      ${cost.idle_total:.2f} without any call ({_parts(cost.idle)})"
    for what, dollars in cost.in_use.items():
        yield (
            f"                  ${dollars:.2f} more for {cost.metrics} {what}, if it is called in every hour;"
            " metrics = false turns them off"
        )
    yield f"    a million:    ${cost.million:.2f} for requests with one text each ({_parts(cost.per_million)})"
    yield (
        f"                  {cost.ms:.0f} ms each with {memory:,} MB, from {latency.ms:.0f} ms on"
        f" {latency.cpus:g} {'CPU' if latency.cpus == 1 else 'CPUs'} here: {count(latency.texts, 'text')} of"
        f" {latency.source}, median {count(latency.characters, 'character')},"
        f" {count(latency.runs, 'run')}; --texts measures yours"
    )
    if latency.load > latency.cpus:
        yield f"                  this machine is busy (load {latency.load:.1f}), so it is probably less"
    prices, assumed = describe_prices(planned.spec.region), describe_assumed(planned.spec.region, cost.assumed)
    yield f"                  {prices}, without the free tier{assumed}"


def _parts(dollars: Mapping[str, float]) -> str:
    return ", ".join(f"{what} {usd:.2f}" for what, usd in dollars.items() if usd >= SHOWN)


def _shared(plan: Plan) -> Iterator[str]:
    """Yield the bucket and the repositories, or every resource in a plan with differences."""
    if any(one.difference is not None for one in plan.functions):
        yield from _listed(plan.shared_resources)
        return
    for one in plan.shared_resources:
        if one.kind in SHARED:
            yield f"  {SHARED[one.kind]}:{'':<{14 - len(SHARED[one.kind])}} {one.name}"


def _listed(resources: Iterable[PlannedResource]) -> list[str]:
    return [f"    {one.kind:<36} {one.name}" for one in resources]


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in text.splitlines()]
