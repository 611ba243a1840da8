"""The application's root: its options, and the group whose errors reach the boundary."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

import spacy_lambda
from spacy_lambda.cli.boundary import CommandAborted
from spacy_lambda.cli.console import print_lines
from spacy_lambda.cli.help import ReadableGroup
from spacy_lambda.errors import SpacyLambdaError

__all__ = ["Commands", "root"]

VALIDATOR = "Value error, "
"""Prefix that the validation library puts before a message."""


class Commands(ReadableGroup):
    """All commands. Interruptions and system errors pass through; typer would turn them into other exit codes."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parse the command line, or print help."""
        with _passed_through():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _passed_through():
            return super().invoke(ctx)


@contextmanager
def _passed_through() -> Iterator[None]:
    try:
        yield
    except typer.BadParameter as exc:
        exc.message = exc.message.removeprefix(VALIDATOR)
        if not exc.message and exc.ctx is not None and exc.param is not None and exc.param.nargs == -1:
            # A missing one: of SRC... and DST, the command line would fill DST first, and name SRC.
            exc.param_hint = repr(" ".join(_metavar(one) for one in exc.ctx.command.params if _is_argument(one)))
        raise
    except SystemExit as exc:
        if isinstance(exc.__context__, BrokenPipeError):  # of rich, whose output was closed
            raise
        # Of the pipeline's code: commands end by typer.Exit.
        error = SpacyLambdaError(
            f"the pipeline's code ended the command: SystemExit: {exc.code}",
            remedy="remove exit, quit and sys.exit from its components and factories",
        )
        raise CommandAborted(error) from exc
    except typer.Abort as exc:
        raise CommandAborted(KeyboardInterrupt()) from exc
    except (KeyboardInterrupt, EOFError, OSError) as exc:
        raise CommandAborted(exc) from exc


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _metavar(parameter: Any) -> str:
    return f"{parameter.metavar or parameter.name.upper()}{'...' if parameter.nargs == -1 else ''}"


def _print_version(wanted: bool) -> None:
    if wanted:
        print_lines(f"spacy-lambda {spacy_lambda.__version__}")
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Compile a trained spaCy transformer pipeline to ONNX, and run it on AWS Lambda without torch."""
