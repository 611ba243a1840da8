"""The plan of ``deploy``: as plain values, and as text."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from spacy_lambda.cli.console import print_lines

if TYPE_CHECKING:
    from spacy_lambda.deploy.planning import Plan, Planned
    from spacy_lambda.deploy.resources import PlannedResource

__all__ = ["plan_facts", "print_plan"]


def plan_facts(planned: Planned, plan: Plan) -> dict[str, Any]:
    """Return one function of a plan as plain values."""
    bundle, cost = planned.prepared.bundle, planned.cost
    return {
        "function": planned.spec.function_name,
        "new": planned.is_new,
        "live_version": planned.live,
        "shape": planned.prepared.config.shape if bundle.package_type == "image" else "zip",
        "reason": bundle.reason,
        "bytes": {"zipped": bundle.zipped, "unzipped": bundle.unzipped},
        "model_sha256": bundle.pipeline_sha256,
        "golden_texts": len(planned.prepared.golden_tests),
        "difference": planned.difference,
        "callers": {"public": planned.callers.public, "about": planned.callers.about},
        "concurrency": {"reserved": planned.limit.reserved, "about": planned.limit.about},
        "warnings": list(planned.warnings),
        "resources": _named(planned.resources),
        "shared_resources": _named(plan.shared_resources),
        "cost_usd": {
            "idle_month": {key: round(value, 2) for key, value in cost.idle.items()},
            "idle_month_total": round(cost.idle_total, 2),
            "million_texts": round(cost.million, 2),
            "assumed_ms_per_text": round(cost.ms_per_text, 1),
        },
    }


def _named(resources: Iterable[PlannedResource]) -> list[dict[str, str]]:
    return [{"kind": one.kind, "name": one.name} for one in resources]


def print_plan(plan: Plan, *, account: str, err: bool = False) -> None:
    """Print a plan as text."""
    write = partial(print_lines, err=err)
    write(f"account {account}")
    if not plan.bootstrapped:
        write("  + cdk bootstrap: once per account and region")
    for one in plan.functions:
        facts = plan_facts(one, plan)
        state = "new" if one.is_new else f"live: version {one.live}" if one.live else "no version is live"
        write("", f"{one.spec.function_name} ({state}), {facts['shape']}: {facts['reason']}")
        write(*_indented(one.difference or "no changes"))
        cost = facts["cost_usd"]
        idle = ", ".join(f"{what} {usd:.2f}" for what, usd in cost["idle_month"].items() if usd >= 0.005)
        write("  resources when it is live:", *_listed(one.resources))
        write(f"  callers: {one.callers.about}", f"  concurrency: {one.limit.about}")
        write(*(f"  WARNING: {warning}" for warning in one.warnings))
        write(
            f"  about ${cost['idle_month_total']:.2f} a month when idle ({idle}); ${cost['million_texts']:.2f} for a"
            f" million texts of {cost['assumed_ms_per_text']} ms, as measured here (list prices of us-east-1)"
        )
    write("", "shared by the functions of the project:", *_listed(plan.shared_resources))


def _listed(resources: Iterable[PlannedResource]) -> list[str]:
    return [f"    {one.kind:<36} {one.name}" for one in resources]


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]
