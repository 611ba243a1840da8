"""The commands that a command recommends: lines that a shell runs as they are printed, in the same folder."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

__all__ = ["command_line"]


def command_line(*words: str | Path, environ: Mapping[str, str | None] | None = None) -> str:
    """Quote the words of a command for the shell.

    :param words: The program and its arguments; a path that looks like an option gets ``./`` before it.
    :param environ: Variables to set for this command; those without a value are left out.
    """
    set_first = [f"{name}={shlex.quote(value)}" for name, value in (environ or {}).items() if value]
    return " ".join([*set_first, *(shlex.quote(_argument(word)) for word in words)])


def _argument(word: str | Path) -> str:
    return f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word)
