"""``spacy-lambda image push``: push an image to a registry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.help import ReadableCommand
from spacy_lambda.cli.options import JsonOption, ProfileOption


class PushImageCommand(ReadableCommand):
    """The command, which takes ``DESTINATION`` alone, too, as earlier versions did: for the image in this folder."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments."""
        given = list(args)
        try:
            return list(super().parse_args(ctx, args))
        except typer.BadParameter as exc:
            if exc.param is None or exc.param.name != "destination":
                raise
            return list(super().parse_args(ctx, [".", *given]))


def push(
    bundle: Annotated[str, typer.Argument(help="Folder that `bundle --shape image` wrote.")],
    destination: Annotated[str, typer.Argument(help="REGISTRY/NAME or REGISTRY/NAME:TAG.")],
    *,
    create: Annotated[bool, typer.Option("--create", help="Create the ECR repository if it is missing.")] = False,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Push an image and print its reference by digest; to ECR, with the AWS credentials found here.

    Example: spacy-lambda image push ner-image 123456789012.dkr.ecr.eu-central-1.amazonaws.com/ner
    """
    from spacy_lambda.bundler import push_image

    folder, target = _folder_and_target(bundle, destination)
    pushed = push_image(folder, target, create=create)
    if as_json:
        print_json(pushed)
    else:
        print_lines(pushed.reference)


def _folder_and_target(first: str, second: str) -> tuple[Path, str]:
    """Read ``BUNDLE DESTINATION``, or the order of earlier versions, ``DESTINATION BUNDLE``."""
    if Path(second).is_dir() and not Path(first).is_dir():
        return Path(second), first
    return Path(first), second
