"""The command ``spacy-lambda``: parse, call one function, print.

One command per file, named after it; libraries are imported inside the commands, so that ``--help`` needs none of them.
They share :mod:`~spacy_lambda.cli.options`, the layout of their help (:mod:`~spacy_lambda.cli.help`),
:mod:`~spacy_lambda.cli.console` for everything that is printed, :mod:`~spacy_lambda.cli.progress`,
:mod:`~spacy_lambda.cli.confirm`, and one boundary at which every exception becomes a message and an exit code,
:mod:`~spacy_lambda.cli.boundary`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from spacy_lambda.cli.boundary import guarded

if TYPE_CHECKING:
    import typer

__all__ = ["main", "make_app"]

Command = Callable[..., None]


def make_app() -> typer.Typer:
    """Return the typer application with every command."""
    import typer

    from spacy_lambda.cli.alias import alias
    from spacy_lambda.cli.annotate import annotate
    from spacy_lambda.cli.bundle import bundle
    from spacy_lambda.cli.check import check
    from spacy_lambda.cli.compile import compile_
    from spacy_lambda.cli.convert import convert
    from spacy_lambda.cli.deploy import deploy
    from spacy_lambda.cli.destroy import destroy
    from spacy_lambda.cli.doctor import doctor
    from spacy_lambda.cli.eject import eject
    from spacy_lambda.cli.estimate import estimate
    from spacy_lambda.cli.evaluate import evaluate
    from spacy_lambda.cli.group import Commands, root
    from spacy_lambda.cli.help import ReadableCommand, ReadableGroup
    from spacy_lambda.cli.image import PushImageCommand
    from spacy_lambda.cli.image import push as push_image
    from spacy_lambda.cli.init import init
    from spacy_lambda.cli.inspect import inspect
    from spacy_lambda.cli.invoke import invoke
    from spacy_lambda.cli.logs import logs
    from spacy_lambda.cli.ls import ls
    from spacy_lambda.cli.options import present_name
    from spacy_lambda.cli.pack import pack
    from spacy_lambda.cli.package import package
    from spacy_lambda.cli.pull import pull
    from spacy_lambda.cli.push import push
    from spacy_lambda.cli.query import query
    from spacy_lambda.cli.rm import rm
    from spacy_lambda.cli.rollback import rollback
    from spacy_lambda.cli.run_bundle import run_bundle
    from spacy_lambda.cli.serve import serve
    from spacy_lambda.cli.status import status
    from spacy_lambda.cli.train import train
    from spacy_lambda.cli.tune import tune
    from spacy_lambda.cli.unpack import unpack
    from spacy_lambda.cli.verify import verify

    app = typer.Typer(
        name="spacy-lambda",
        cls=Commands,
        context_settings={"token_normalize_func": present_name},
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(root)
    images = typer.Typer(cls=ReadableGroup, help="Push container images of bundles.", no_args_is_help=True)
    images.callback()(lambda: None)
    images.command("push", cls=PushImageCommand)(push_image)
    stages: dict[str, list[Command]] = {
        "Train": [convert, train, evaluate],
        "Compile and check": [doctor, inspect, compile_, verify],
        "Share": [package, pack, unpack, push, pull, ls, alias, rm],
        "Deploy": [bundle, check, estimate, init, deploy, tune, rollback, destroy, eject],
        "Run": [serve, run_bundle, invoke, query, status, logs],
        "Corpus": [annotate],
    }
    for stage, commands in stages.items():
        for command in commands:
            name = command.__name__.rstrip("_").replace("_", "-")
            app.command(name, cls=ReadableCommand, rich_help_panel=stage)(command)
    app.add_typer(images, name="image", rich_help_panel="Deploy")
    return app


def main() -> None:
    """Run the command line.

    :raises SystemExit: Always, with the exit code.
    """
    sys.exit(guarded(_run))


def _run() -> None:
    if sys.argv[1:2] == ["doctor"] and find_spec("typer") is None:
        from spacy_lambda.cli.doctor_report import doctor_without_typer

        doctor_without_typer(sys.argv[2:])
    from typer.main import get_command

    # Calling the application itself would install typer's excepthook.
    get_command(make_app()).main()
