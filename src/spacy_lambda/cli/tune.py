"""``spacy-lambda tune``: the memory that a deployed function should have, measured in AWS."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_lambda.cli.confirm import confirm, require_terminal
from spacy_lambda.cli.console import print_json, print_lines, print_table
from spacy_lambda.cli.estimate import milliseconds
from spacy_lambda.cli.options import (
    ConfigOption,
    FunctionArgument,
    JsonOption,
    ProfileOption,
    RegionOption,
    SampleTextsOption,
    YesOption,
)
from spacy_lambda.cli.progress import progress
from spacy_lambda.cli.rehearsal import needs_aws
from spacy_lambda.config.rules import MIN_MEMORY_MB
from spacy_lambda.core.counts import count
from spacy_lambda.core.lambda_limits import MAX_MEMORY_MB

if TYPE_CHECKING:
    from spacy_lambda.deploy.tuning import MeasuredSize


@needs_aws("tune measures Lambda's own CPUs")
def tune(
    function: FunctionArgument = None,
    *,
    memory: Annotated[
        list[int] | None,
        typer.Option(
            min=MIN_MEMORY_MB,
            max=MAX_MEMORY_MB,
            help="Memory size in MB to measure; repeatable.",
            show_default="several, and the function's own",
        ),
    ] = None,
    texts: SampleTextsOption = None,
    latency: Annotated[
        str | None, typer.Option(metavar="300ms", help="Maximum duration of a text; the cheapest size is shown.")
    ] = None,
    yes: YesOption = False,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a deployed function at several memory sizes, on versions that are deleted again.

    The live version does not change.

    Example: spacy-lambda tune ner --latency 300ms
    """
    from spacy_lambda.cdk.prices import describe_assumed, describe_prices
    from spacy_lambda.config import load_project
    from spacy_lambda.config.selection import chosen_function
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.tuning import plan_tuning
    from spacy_lambda.deploy.tuning import tune as measure_sizes
    from spacy_lambda.sizing.texts import BUILT_IN_TEXTS, read_texts

    limit = milliseconds(latency)
    project = load_project(config, region=region)
    chosen = chosen_function(project, function)
    sample = BUILT_IN_TEXTS if texts is None else read_texts(texts)
    require_terminal(yes=yes)
    aws = open_account(project)
    planned = plan_tuning(project, chosen, aws=aws, sizes=memory or (), texts=sample)
    sizes = ", ".join(f"{size:,}" for size in planned.sizes)
    question = (
        f"measure {planned.function} with {sizes} MB, on {count(len(planned.sizes), 'version')} that are deleted again?"
        f" It costs at most ${planned.usd:,.4f} by {describe_prices(aws.region)}"
        f"{describe_assumed(aws.region, planned.assumed)}"
    )
    if not confirm(question, yes=yes):
        print_lines("not confirmed; nothing was changed", err=True)
        raise typer.Exit(1)
    with progress(quiet=as_json) as on_step:
        found = measure_sizes(
            project, chosen, planned, aws=aws, on_line=partial(print_lines, err=True), on_step=on_step
        )
    best = _cheapest(found, limit)
    if as_json:
        print_json({"sizes": found, "cheapest": None if best is None else best.memory_mb})
        return
    print_table(
        [">memory", ">ms a text", ">init, s", ">peak MB", ">US dollars for a million texts"],
        [
            (
                f"{one.memory_mb:,}",
                f"{one.figures.ms:.1f}",
                f"{one.figures.init_s:.2f}",
                one.figures.peak_mb or "",
                f"{one.usd:,.2f}",
            )
            for one in found
        ],
    )
    within = "" if limit is None else f" within {limit:g} ms"
    if best is None:
        print_lines(f"no size is{within}: give larger ones with --memory")
        return
    print_lines(f"cheapest{within}; in [functions.{chosen.name}] of spacy-lambda.toml:", f"memory = {best.memory_mb}")


def _cheapest(found: Sequence[MeasuredSize], limit_ms: float | None) -> MeasuredSize | None:
    """Return the cheapest size within the latency, of equally cheap ones the fastest."""
    from spacy_lambda.sizing.estimation import TIE

    fast = [one for one in found if limit_ms is None or one.figures.ms <= limit_ms]
    lowest = min((one.usd for one in fast), default=0.0)
    return min((one for one in fast if one.usd <= TIE * lowest), key=lambda one: one.figures.ms, default=None)
