"""``spacy-lambda doctor``: what works here, and what is missing for the rest."""

from __future__ import annotations

from typing import Annotated

import typer

from spacy_lambda.cli.doctor_report import report
from spacy_lambda.cli.options import JsonOption, ProfileOption, RegionOption
from spacy_lambda.doctor.finding import Stage


def doctor(
    *,
    stage: Annotated[
        Stage | None,
        typer.Option("--for", help="Exit with 1 if this would not work.", show_default="what every command needs"),
    ] = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check this machine and the AWS account, and print a remedy for each problem. Nothing is changed.

    Example: spacy-lambda doctor --for deploy
    """
    report(stage, profile=profile, region=region, as_json=as_json)
