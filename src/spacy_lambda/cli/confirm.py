"""The one way in which commands ask: where a person can see it, or not at all."""

from __future__ import annotations

import sys

import typer

from spacy_lambda.cli.console import shown
from spacy_lambda.cli.progress import paused
from spacy_lambda.errors import DeployError

__all__ = ["ask", "require_somebody"]


def require_somebody(*, yes: bool) -> None:
    """Refuse to begin work that ends in a question which nobody could see or answer.

    :param yes: Whether it was answered beforehand.
    :raises DeployError: If there is no terminal.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise DeployError("confirmation required but stdin is not a terminal", remedy="pass --yes")
    if not (sys.stderr.isatty() or sys.stdout.isatty()):
        raise DeployError("confirmation required but no output is a terminal", remedy="pass --yes")


def ask(question: str, *, yes: bool) -> bool:
    """Ask for a yes, with no progress bar in the way.

    :param yes: Whether it was answered beforehand.
    :raises DeployError: If there is no terminal.
    """
    require_somebody(yes=yes)
    if yes:
        return True
    with paused():
        return bool(typer.confirm(shown(question), err=sys.stderr.isatty()))
