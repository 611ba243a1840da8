"""The command ``spacy-lambda``: parse, call one function, print.

One command per file; libraries are imported inside the commands, so that ``--help`` needs none of them.
What ends a command becomes a message and a status at one boundary, :mod:`~spacy_lambda.cli.boundary`; what is printed
goes through :mod:`~spacy_lambda.cli.console`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from spacy_lambda.cli.boundary import guarded

if TYPE_CHECKING:
    import typer

__all__ = ["main", "make_app"]

_EXTRA_OF = {
    "OpenSSL": "sign",
    "aws_cdk": "deploy",
    "awslambdaric": "local",
    "boto3": "s3",
    "botocore": "s3",
    "build": "hub",
    "cyclonedx": "bundle",
    "huggingface_hub": "hub",
    "model_signing": "sign",
    "onnx": "compile",
    "onnxscript": "compile",
    "packaging": "bundle",
    "requests": "hub",
    "rich": "cli",
    "spacy_transformers": "compile",
    "squarify": "bundle",
    "starlette": "local",
    "torch": "compile",
    "transformers": "compile",
    "typer": "cli",
    "uvicorn": "local",
    "yaml": "hub",
}


def make_app() -> typer.Typer:
    """The typer application with every command."""
    import typer

    from spacy_lambda.cli import (
        bundle,
        deploy,
        eject,
        image,
        init,
        invoke,
        operate,
        pack,
        query,
        run_bundle,
        serve,
        stores,
        verify,
    )
    from spacy_lambda.cli import compile as compile_command
    from spacy_lambda.cli.group import Commands
    from spacy_lambda.cli.version import options

    app = typer.Typer(
        name="spacy-lambda",
        cls=Commands,
        help="Compile a trained spaCy transformer pipeline to ONNX, and run it on AWS Lambda without torch.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(options)
    app.command("compile")(compile_command.compile_)
    app.command("verify")(verify.verify)
    app.command("pack")(pack.pack)
    app.command("unpack")(pack.unpack)
    app.command("bundle")(bundle.bundle)
    app.command("run-bundle")(run_bundle.run_bundle)
    images = typer.Typer(help="Container images of bundles.", no_args_is_help=True)
    images.command("push")(image.push)
    images.callback()(lambda: None)
    app.add_typer(images, name="image")
    app.command("push")(stores.push)
    app.command("pull")(stores.pull)
    app.command("ls")(stores.ls)
    app.command("alias")(stores.alias)
    app.command("init")(init.init)
    app.command("deploy")(deploy.deploy)
    app.command("status")(operate.status)
    app.command("logs")(operate.logs)
    app.command("rollback")(operate.rollback)
    app.command("destroy")(operate.destroy)
    app.command("eject")(eject.eject)
    app.command("query")(query.query)
    app.command("serve")(serve.serve)
    app.command("invoke")(invoke.invoke)
    return app


def main() -> None:
    """Run the command line.

    :raises SystemExit: Always, with the command's status.
    """
    sys.exit(guarded(_run, _EXTRA_OF))


def _run() -> None:
    from typer.main import get_command

    # Not by calling the application, which would install an excepthook of typer's.
    get_command(make_app()).main()
