"""``spacy-lambda image push``: an image to where Lambda takes it from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.console import say, say_json


def push(
    destination: Annotated[str, typer.Argument(help="REGISTRY/NAME or REGISTRY/NAME:TAG.")],
    bundle: Annotated[Path, typer.Argument(help="The folder that `bundle --shape image` wrote.")] = Path(),
    *,
    create: Annotated[bool, typer.Option("--create", help="Make the ECR repository if it is missing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Push an image to a registry, and print its reference by digest; for ECR, log in with the AWS credentials here."""
    from spacy_lambda.bundler.image.push import push_image

    pushed = push_image(bundle, destination, create=create)
    if as_json:
        say_json(asdict(pushed))
    else:
        say(pushed.reference)
