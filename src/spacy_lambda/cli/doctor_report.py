"""The findings of ``doctor`` as lines or JSON, and the command itself where typer is not installed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from spacy_lambda.cli.console import print_json, print_wrapped
from spacy_lambda.errors import SpacyLambdaError

if TYPE_CHECKING:
    from spacy_lambda.doctor import Examination, Stage

__all__ = ["doctor_without_typer", "report"]


def report(stage: Stage | None, *, profile: str | None, region: str | None, as_json: bool) -> None:
    """Examine and print.

    :param stage: The stage that has to work; ``None`` for what every command needs.
    :raises SpacyLambdaError: If it does not.
    """
    from spacy_lambda.doctor import examine

    found = examine(profile=profile, region=region)
    if as_json:
        print_json(_facts(found, stage))
    else:
        width = max(len(one.name) for one in found.findings)
        print_wrapped(*_findings(found, stage, width), hang=width + 11)
        print_wrapped("", *_summary(found), hang=2)
    failed = found.failed(stage)
    if failed:
        what = "no command works" if stage is None else f"{stage} does not work"
        names = ", ".join(one.name for one in failed)
        raise SpacyLambdaError(f"{what} here: {names}", remedy=str(failed[0].remedy))


def doctor_without_typer(arguments: Sequence[str]) -> None:
    """Run the command by the standard library's parser.

    :param arguments: Those after the command's name.
    :raises SystemExit: When it is done.
    """
    from spacy_lambda.doctor import STAGES

    parser = argparse.ArgumentParser(prog="spacy-lambda doctor")
    parser.add_argument("--for", dest="stage", choices=STAGES)
    parser.add_argument("--profile")
    parser.add_argument("--region")
    parser.add_argument("--json", action="store_true", dest="as_json")
    report(**vars(parser.parse_args(arguments)))
    sys.exit()


def _facts(found: Examination, stage: Stage | None) -> dict[str, Any]:
    findings = [
        {"name": one.name, "status": one.status(stage), "detail": one.detail, "remedy": one.remedy}
        for one in found.findings
    ]
    return {"ok": not found.failed(stage), "findings": findings, "blocked": found.blocked()}


def _findings(found: Examination, stage: Stage | None, width: int) -> Iterator[str]:
    for one in found.findings:
        yield f"{one.status(stage):<7}  {one.name:<{width}}  {one.detail}"
        if one.remedy is not None:
            yield f"{'':<7}  {'':<{width}}  remedy: {one.remedy}"


def _summary(found: Examination) -> Iterator[str]:
    blocked = found.blocked()
    yield f"works here: {', '.join(name for name, why in blocked.items() if not why) or 'nothing'}"
    yield from (f"blocked: {name} ({', '.join(why)})" for name, why in blocked.items() if why)
