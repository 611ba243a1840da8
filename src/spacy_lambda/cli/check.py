"""``spacy-lambda check``: what would fail on Lambda, before anything is deployed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spacy_lambda.cli.completion import complete_words
from spacy_lambda.cli.console import print_json, print_lines, print_table
from spacy_lambda.cli.options import EphemeralStorageOption, JsonOption, SampleTextsOption, TimeoutOption
from spacy_lambda.cli.progress import stages
from spacy_lambda.core.counts import count
from spacy_lambda.core.lambda_function import ARCHITECTURES, DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_S, PYTHONS
from spacy_lambda.core.lambda_limits import FREE_EPHEMERAL_MB
from spacy_lambda.errors import SizingError

if TYPE_CHECKING:
    from spacy_lambda.sizing.verdict import LimitFinding, Verdict

__all__ = ["check", "print_findings", "verdict_error"]


def check(
    pipeline: Annotated[str, typer.Argument(help="Compiled pipeline or bundle.")],
    *,
    texts: SampleTextsOption = None,
    memory: Annotated[int, typer.Option(help="Memory of the function in MB.")] = DEFAULT_MEMORY_MB,
    timeout: TimeoutOption = float(DEFAULT_TIMEOUT_S),
    architecture: Annotated[
        str | None,
        typer.Option(
            help=f"Architecture of the function: {' or '.join(ARCHITECTURES)}.",
            show_default="the bundle's",
            autocompletion=complete_words(ARCHITECTURES),
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            help=f"Python of the function: {', '.join(PYTHONS)}.",
            show_default="the bundle's",
            autocompletion=complete_words(PYTHONS),
        ),
    ] = None,
    snapstart: Annotated[bool, typer.Option("--snapstart", help="The function has SnapStart.")] = False,
    provisioned: Annotated[
        bool, typer.Option("--provisioned", help="The function has provisioned concurrency.")
    ] = False,
    ephemeral_storage: EphemeralStorageOption = FREE_EPHEMERAL_MB,
    efs: Annotated[bool, typer.Option("--efs", help="The function mounts an EFS file system.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check what would fail on Lambda: run it in the local Lambda, and compare it with every limit.

    Exits with 1 if something fails.

    Example: spacy-lambda check bundle.zip --memory 1769
    """
    from spacy_lambda.sizing.check_options import CheckOptions
    from spacy_lambda.sizing.checks import check as check_pipeline

    options = CheckOptions(
        memory_mb=memory,
        timeout_s=timeout,
        architecture=architecture,
        python=python,
        snapstart=snapstart,
        provisioned=provisioned,
        ephemeral_mb=ephemeral_storage,
        efs=efs,
    )
    with stages(quiet=as_json) as on_step:
        verdict = check_pipeline(pipeline, options, texts=texts, on_step=on_step)
    if as_json:
        print_json(_facts(verdict))
    else:
        print_findings(verdict.findings)
        print_lines(_summary(verdict))
    if verdict.failed:
        raise verdict_error(verdict)


def print_findings(findings: Iterable[LimitFinding]) -> None:
    """Print findings as a table; limits that were not checked for the same reason are one row."""
    rows: dict[tuple[str, ...], list[LimitFinding]] = {}
    for one in findings:
        named = () if one.status == "skipped" else (one.name,)
        rows.setdefault((one.status, one.detail, one.remedy, *named), []).append(one)
    print_table(
        ["", "limit", "found", "remedy"],
        [
            (same[0].status, ", ".join(one.name for one in same), same[0].detail, same[0].remedy)
            for same in rows.values()
        ],
    )


def verdict_error(verdict: Verdict) -> SizingError:
    """Return the error of a verdict with something that fails."""
    names = ", ".join(dict.fromkeys(one.name for one in verdict.failed))
    return SizingError(f"this would fail on Lambda: {names}", remedy=verdict.failed[0].remedy)


def _summary(verdict: Verdict) -> str:
    if verdict.failed:
        return f"{len(verdict.failed)} of {count(len(verdict.findings), 'check')} would fail on Lambda"
    warnings = f", with {count(len(verdict.warnings), 'warning')}" if verdict.warnings else ""
    left_out = sum(one.status == "skipped" for one in verdict.findings)
    return f"nothing fails on Lambda{warnings}{f'; {left_out} not checked' if left_out else ''}"


def _facts(verdict: Verdict) -> dict[str, Any]:
    return {"ok": not verdict.failed, "findings": verdict.findings}
