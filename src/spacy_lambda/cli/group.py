"""The group of all commands, which hands on what typer would end in its own way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from spacy_lambda.cli.boundary import Ended

__all__ = ["Commands"]

VALIDATOR = "Value error, "
"""Words of the library that checks values, before those that are for the user."""


class Commands(TyperGroup):
    """Interruptions and errors of the system get as far as the boundary; typer would turn them into exit codes."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parse the command line, or print help."""
        with _handed_on():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _handed_on():
            return super().invoke(ctx)


@contextmanager
def _handed_on() -> Iterator[None]:
    try:
        yield
    except typer.BadParameter as exc:
        exc.message = exc.message.removeprefix(VALIDATOR)
        raise
    except typer.Abort as exc:
        raise Ended(KeyboardInterrupt()) from exc
    except (KeyboardInterrupt, EOFError, OSError) as exc:
        raise Ended(exc) from exc
