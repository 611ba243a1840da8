"""Completions of the shell: words of options, formats, and functions of the project's file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import typer

__all__ = ["complete_functions", "complete_list", "complete_outputs", "complete_sources", "complete_words"]


def complete_words(words: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a completion that offers words."""
    known = list(words)

    def complete(incomplete: str) -> list[str]:
        return [word for word in known if word.startswith(incomplete)]

    return complete


def complete_list(words: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a completion of words with commas between them: it offers those that are not in the list yet."""
    known = list(words)

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{word}" for word in known if word.startswith(last) and word not in before.split(",")]

    return complete


def complete_sources(incomplete: str) -> list[str]:
    """Offer the formats of a corpus that can be read."""
    from spacy_lambda.corpus.formats.registry import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def complete_outputs(incomplete: str) -> list[str]:
    """Offer the formats of a corpus that can be written."""
    from spacy_lambda.corpus.formats.registry import FORMATS

    return [name for name, one in FORMATS.items() if one.is_written and name.startswith(incomplete)]


def complete_functions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the functions of the project's file; nothing if it cannot be read."""
    from spacy_lambda.config.toml_file import FILE

    try:
        text = Path(ctx.params.get("config") or FILE).read_text(encoding="utf-8-sig")
        functions = tomllib.loads(text).get("functions", {})
    except (OSError, ValueError):
        return []
    return [name for name in functions if name.startswith(incomplete)] if isinstance(functions, dict) else []
