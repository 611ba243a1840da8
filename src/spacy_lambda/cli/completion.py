"""Completions of the shell: words of options, and functions of the project's file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import typer

__all__ = ["complete_functions", "complete_words"]


def complete_words(words: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a completion that offers words."""
    known = list(words)

    def complete(incomplete: str) -> list[str]:
        return [word for word in known if word.startswith(incomplete)]

    return complete


def complete_functions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the functions of the project's file; nothing if it cannot be read."""
    from spacy_lambda.config.toml_file import FILE

    try:
        text = Path(ctx.params.get("config") or FILE).read_text(encoding="utf-8-sig")
        functions = tomllib.loads(text).get("functions", {})
    except (OSError, ValueError):
        return []
    return [name for name in functions if name.startswith(incomplete)] if isinstance(functions, dict) else []
