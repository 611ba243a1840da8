"""``spacy-lambda image push``: push an image to a registry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.options import JsonOption


def push(
    destination: Annotated[str, typer.Argument(help="REGISTRY/NAME or REGISTRY/NAME:TAG.")],
    bundle: Annotated[Path, typer.Argument(help="Folder that `bundle --shape image` wrote.")] = Path(),
    *,
    create: Annotated[bool, typer.Option("--create", help="Create the ECR repository if it is missing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Push an image and print its reference by digest; to ECR, with the AWS credentials found here.

    Example: spacy-lambda image push 123456789012.dkr.ecr.eu-central-1.amazonaws.com/ner ner-image
    """
    from spacy_lambda.bundler import push_image

    pushed = push_image(bundle, destination, create=create)
    if as_json:
        print_json(pushed)
    else:
        print_lines(pushed.reference)
