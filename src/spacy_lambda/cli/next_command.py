"""The commands that a command recommends: lines that a shell runs as they are printed, in the same folder."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy_lambda.config.project import Project

__all__ = ["command_line", "command_options", "invoke_command"]


def command_line(*words: str | Path, environ: Mapping[str, str | None] | None = None) -> str:
    """Quote the words of a command for the shell.

    :param words: The program and its arguments; a path that looks like an option gets ``./`` before it.
    :param environ: Variables to set for this command; those without a value are left out.
    """
    set_first = [f"{name}={shlex.quote(value)}" for name, value in (environ or {}).items() if value]
    return " ".join([*set_first, *(shlex.quote(_argument(word)) for word in words)])


def command_options(*, config: Path | None, region: str | None, profile: str | None = None) -> list[str | Path]:
    """Return the options with which another command finds the same project."""
    named: dict[str, str | Path | None] = {"--config": config, "--region": region, "--profile": profile}
    return [word for option, value in named.items() if value for word in (option, value)]


def invoke_command(
    project: Project, function: str, *, config: Path | None, region: str | None, profile: str | None = None
) -> str:
    """Return the command that invokes a deployed function, with the options that the deployment was given."""
    words: list[str | Path] = ["spacy-lambda", "invoke"]
    words += [function] if len(project.functions) > 1 else []
    words += command_options(config=config, region=region, profile=profile)
    return f"{command_line(*words)} --text '...'"


def _argument(word: str | Path) -> str:
    return f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word)
