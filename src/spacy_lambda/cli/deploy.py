"""``spacy-lambda deploy``: from the project's file to functions that answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spacy_lambda.cli.confirm import ask, require_somebody
from spacy_lambda.cli.console import say, say_json
from spacy_lambda.cli.progress import paused, stages

if TYPE_CHECKING:
    from spacy_lambda.deploy.plan import Plan, PlannedFunction
    from spacy_lambda.deploy.release import Released
    from spacy_lambda.deploy.resources import PlannedResource

ConfigOption = Annotated[Path | None, typer.Option(help="The project's file.", show_default="spacy-lambda.toml")]
RegionOption = Annotated[str | None, typer.Option(help="The region, where it is not the file's.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
NamesArgument = Annotated[list[str] | None, typer.Argument(help="Functions; all of them without a name.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def deploy(
    functions: NamesArgument = None,
    *,
    pipeline: Annotated[
        str | None,
        typer.Option(help="Begin a project with this compiled pipeline: writes the file first, as init does."),
    ] = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Show what would be done, and do nothing.")] = False,
    yes: YesOption = False,
    config: ConfigOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bundle, store and deploy functions; each goes live when its answers are right."""
    from spacy_lambda.config.load import load_project
    from spacy_lambda.config.parse import FILE
    from spacy_lambda.config.scaffold import require_names, start_project
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.cdk_cli import find_cdk
    from spacy_lambda.deploy.deployment import deploy as deploy_functions
    from spacy_lambda.deploy.deployment import plan as plan_functions
    from spacy_lambda.deploy.selection import chosen_functions
    from spacy_lambda.deploy.stacks import is_bootstrapped

    require_somebody(yes=yes or plan_only)
    if pipeline is not None:
        file = config or Path(FILE)
        if not file.exists():
            say(f"wrote {start_project(pipeline, file, region=region)[0]}", err=True)
        else:
            require_names(file, pipeline)
    project = load_project(config, region=region)
    chosen = chosen_functions(project, functions or [])
    aws, cdk = open_account(project), find_cdk()

    def tell(line: str) -> None:
        say(line, err=as_json)

    def agree(planned: Plan, bootstrapped: bool) -> bool:
        with paused():
            if not (as_json and yes):
                print_plan(planned, account=f"{aws.account}/{aws.region}", bootstrapped=bootstrapped, err=as_json)
            return ask("deploy?", yes=yes)

    with stages(quiet=as_json) as on_step:
        if plan_only:
            planned = plan_functions(project, chosen, aws=aws, cdk=cdk, on_step=on_step)
        else:
            with _told_of_interruption():
                released = deploy_functions(project, chosen, aws=aws, cdk=cdk, agree=agree, tell=tell, on_step=on_step)
    if plan_only:
        if as_json:
            say_json([plan_facts(one, planned) for one in planned.functions])
        else:
            print_plan(planned, account=f"{aws.account}/{aws.region}", bootstrapped=is_bootstrapped(aws))
        return
    if released is None:
        say("nothing was done", err=True)
        raise typer.Exit(1)
    if as_json:
        say_json([vars(one) for one in released])
    else:
        for one in released:
            _print_released(one)


@contextmanager
def _told_of_interruption() -> Iterator[None]:
    """Say what Ctrl-C did, and what it did not."""
    try:
        yield
    except KeyboardInterrupt:
        say(
            "stopped. What CloudFormation has begun goes on there; what was live still is, unless it was being moved:"
            " 'spacy-lambda status' tells. The same command goes on from there.",
            err=True,
        )
        raise typer.Exit(130) from None


def plan_facts(planned: PlannedFunction, plan: Plan) -> dict[str, Any]:
    """A plan in plain values."""
    bundle, cost = planned.prepared.bundle, planned.cost
    return {
        "function": planned.stack,
        "new": planned.is_new,
        "live_version": planned.live,
        "shape": planned.prepared.config.shape if bundle.package_type == "image" else "zip",
        "reason": bundle.reason,
        "bytes": {"zipped": bundle.zipped, "unzipped": bundle.unzipped},
        "model_sha256": bundle.pipeline_sha256,
        "golden_texts": len(planned.prepared.golden),
        "difference": planned.difference,
        "callers": {"public": planned.callers.public, "about": planned.callers.about},
        "concurrency": {"reserved": planned.limit.reserved, "about": planned.limit.about},
        "resources": _named(planned.resources),
        "shared_resources": _named(plan.shared),
        "cost_usd": {
            "idle_month": {**{key: round(value, 2) for key, value in cost.idle.items()}},
            "idle_month_total": round(cost.idle_total, 2),
            "million_texts": round(cost.million, 2),
            "assumed_ms_per_text": round(cost.ms_per_text, 1),
        },
    }


def _named(resources: Iterable[PlannedResource]) -> list[dict[str, str]]:
    return [{"kind": one.kind, "name": one.name} for one in resources]


def print_plan(plan: Plan, *, account: str, bootstrapped: bool, err: bool = False) -> None:
    """A plan for people."""
    tell = partial(say, err=err)
    tell(f"account {account}")
    if not bootstrapped:
        tell("  + cdk bootstrap: once for each account and region")
    for one in plan.functions:
        facts = plan_facts(one, plan)
        state = "new" if one.is_new else f"live: version {one.live}" if one.live else "no version is live"
        tell("", f"{one.stack} ({state}), {facts['shape']}: {facts['reason']}")
        tell(*_indented(one.difference or "no differences: nothing would be changed"))
        cost = facts["cost_usd"]
        idle = ", ".join(f"{what} {usd:.2f}" for what, usd in cost["idle_month"].items() if usd >= 0.005)
        tell("  when it is live, there is:", *_listed(one.resources))
        tell(f"  who can call it: {one.callers.about}", f"  concurrency: {one.limit.about}")
        tell(
            f"  about ${cost['idle_month_total']:.2f} a month when idle ({idle}); ${cost['million_texts']:.2f} for a"
            f" million texts of {cost['assumed_ms_per_text']} ms, as measured here (list prices of us-east-1)"
        )

    tell("", "shared by the functions of the project:", *_listed(plan.shared))


def _listed(resources: Iterable[PlannedResource]) -> list[str]:
    return [f"    {one.kind:<36} {one.name}" for one in resources]


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def _print_released(released: Released) -> None:
    before = f" (before: {released.previous})" if released.previous not in (None, released.version) else ""
    say(f"{released.function}: version {released.version} is live{before}")
    if released.pruned:
        say(f"  deleted: version {', '.join(map(str, released.pruned))}")
    if released.url:
        say(f"  {released.url}")
    say("  spacy-lambda invoke --text '...'")
