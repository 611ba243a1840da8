"""The one confirmation prompt: shown where a person can see and answer it, or refused."""

from __future__ import annotations

import sys

import typer

from spacy_lambda.cli.console import printable
from spacy_lambda.cli.progress import paused
from spacy_lambda.errors import DeployError

__all__ = ["confirm", "require_terminal"]


def require_terminal(*, yes: bool) -> None:
    """Refuse to begin work that ends in a prompt that cannot be seen or answered.

    :param yes: Confirmed on the command line.
    :raises DeployError: If stdin or every output is not a terminal.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise DeployError("confirmation required but stdin is not a terminal", remedy="pass --yes")
    if not (sys.stderr.isatty() or sys.stdout.isatty()):
        raise DeployError("confirmation required but no output is a terminal", remedy="pass --yes")


def confirm(question: str, *, yes: bool) -> bool:
    """Ask for confirmation, with the progress bars paused.

    :param yes: Confirmed on the command line.
    :raises DeployError: If stdin or every output is not a terminal.
    """
    require_terminal(yes=yes)
    if yes:
        return True
    with paused():
        return bool(typer.confirm(printable(question), err=sys.stderr.isatty()))
