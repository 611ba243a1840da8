"""``spacy-lambda eject``: the CDK app as files that the user owns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.console import say
from spacy_lambda.cli.deploy import ConfigOption, NamesArgument, RegionOption
from spacy_lambda.cli.progress import stages


def eject(
    functions: NamesArgument = None,
    *,
    out: Annotated[Path, typer.Option(help="The folder; it must not be there, or be empty.")] = Path("infrastructure"),
    config: ConfigOption = None,
    region: RegionOption = None,
) -> None:
    """Write the CDK app as files that are yours: `cdk deploy` works in their folder without spacy-lambda."""
    from spacy_lambda.config.load import load_project
    from spacy_lambda.deploy.aws import open_account
    from spacy_lambda.deploy.eject import eject_app
    from spacy_lambda.deploy.selection import chosen_functions

    project = load_project(config, region=region)
    with stages(quiet=False) as on_step:
        written = eject_app(
            project,
            chosen_functions(project, functions or []),
            out,
            aws=open_account(project),
            on_step=on_step,
        )
    say(*written)
    say(f"from now on these are yours: cd {out}, pip install -r requirements.txt, npx aws-cdk@2 deploy --all")
