"""``spacy-lambda --version``."""

from __future__ import annotations

from typing import Annotated

import typer

import spacy_lambda
from spacy_lambda.cli.console import say


def _show(wanted: bool) -> None:
    if wanted:
        say(f"spacy-lambda {spacy_lambda.__version__}")
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Compile a trained spaCy transformer pipeline to ONNX, and run it on AWS Lambda without torch."""
