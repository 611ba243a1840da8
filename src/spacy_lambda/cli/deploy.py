"""``spacy-lambda deploy``: from the project's file to functions that answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spacy_lambda.cli.output import say, say_json
from spacy_lambda.cli.progress import progress

if TYPE_CHECKING:
    from spacy_lambda.deploy.plan import PlannedFunction
    from spacy_lambda.deploy.release import Released

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
    from spacy_lambda.config.start import start_project
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.cdk_cli import find_cdk
    from spacy_lambda.deploy.deploy import chosen_functions
    from spacy_lambda.deploy.deploy import deploy as deploy_functions
    from spacy_lambda.deploy.deploy import plan as plan_functions
    from spacy_lambda.deploy.stacks import is_bootstrapped

    if pipeline is not None:
        say(f"wrote {start_project(pipeline, config or Path(FILE), region=region)[0]}", err=True)
    project = load_project(config, region=region)
    chosen = chosen_functions(project, functions or [])
    aws, cdk = open_account(project), find_cdk()

    def tell(line: str) -> None:
        say(line, err=as_json)

    def agree(planned: list[PlannedFunction], bootstrapped: bool) -> bool:
        if not as_json:
            print_plan(planned, account=f"{aws.account}/{aws.region}", bootstrapped=bootstrapped)
        return yes or _confirmed("deploy?")

    with progress(quiet=as_json) as on_step:

        def step(name: str, done: int, total: int) -> None:
            on_step("bundling", done, total)

        if plan_only:
            planned = plan_functions(project, chosen, aws=aws, cdk=cdk, on_step=step)
        else:
            with _told_of_interruption():
                released = deploy_functions(project, chosen, aws=aws, cdk=cdk, agree=agree, tell=tell, on_step=step)
    if plan_only:
        if as_json:
            say_json([plan_facts(one) for one in planned])
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


def plan_facts(planned: PlannedFunction) -> dict[str, Any]:
    """A plan in plain values."""
    bundle, cost = planned.prepared.bundle, planned.cost
    return {
        "function": planned.stack,
        "new": planned.is_new,
        "live_version": planned.live,
        "shape": planned.prepared.config.shape if bundle.shape == "image" else "zip",
        "reason": bundle.reason,
        "bytes": {"zipped": bundle.zipped, "unzipped": bundle.unzipped},
        "model_sha256": bundle.pipeline_sha256,
        "golden_texts": len(planned.prepared.golden),
        "difference": planned.difference,
        "cost_usd": {
            "idle_month": {**{key: round(value, 2) for key, value in cost.idle.items()}},
            "idle_month_total": round(cost.idle_total, 2),
            "million_texts": round(cost.million, 2),
            "assumed_ms_per_text": round(cost.ms_per_text, 1),
        },
    }


def print_plan(planned: list[PlannedFunction], *, account: str, bootstrapped: bool) -> None:
    """A plan for people."""
    say(f"account {account}")
    if not bootstrapped:
        say("  + cdk bootstrap: once for each account and region")
    for one in planned:
        facts = plan_facts(one)
        state = "new" if one.is_new else f"live: version {one.live}" if one.live else "no version is live"
        say("", f"{one.stack} ({state}), {facts['shape']}: {facts['reason']}")
        say(*_indented(one.difference or "no differences: nothing would be changed"))
        cost = facts["cost_usd"]
        idle = ", ".join(f"{what} {usd:.2f}" for what, usd in cost["idle_month"].items() if usd >= 0.005)
        say(
            f"  about ${cost['idle_month_total']:.2f} a month when idle ({idle}); ${cost['million_texts']:.2f} for a"
            f" million texts of {cost['assumed_ms_per_text']} ms, as measured here (list prices of us-east-1)"
        )


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        say("nobody is here to agree: give --yes", err=True)
        return False
    return bool(typer.confirm(question))


def _print_released(released: Released) -> None:
    before = f" (before: {released.previous})" if released.previous not in (None, released.version) else ""
    say(f"{released.function}: version {released.version} is live{before}")
    if released.pruned:
        say(f"  deleted: version {', '.join(map(str, released.pruned))}")
    if released.url:
        say(f"  {released.url}")
    say("  spacy-lambda invoke --text '...'")
