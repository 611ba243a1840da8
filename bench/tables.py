"""Results as a table, on the terminal and in the README."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from int8_limit import describe
from rich.table import Table

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


class Variant(StrEnum):
    """The compared environments."""

    ORIGINAL = "spaCy + torch"
    FP32 = "spacy-lambda fp32"
    INT8 = "spacy-lambda int8"


Row = tuple[str, str, str, str]
"""Measurement, then the figure of each variant."""

# Title, key, format, unit, and whether more is better.
FIGURES: tuple[tuple[str, str, Callable[[float], str], str, bool], ...] = (
    ("cold start to first response", "cold_s", lambda value: f"{value:.2f}", "s", False),
    ("peak memory", "peak_mb", lambda value: f"{value:,.0f}", "MB", False),
    ("one abstract, warm", "warm_ms", lambda value: f"{value:.1f}", "ms", False),
    ("100 paragraphs, `nlp.pipe`", "words_per_s", lambda value: f"{value:,.0f}", "words/s", True),
)


def rows(results: dict[str, Any], size: str) -> Iterator[Row]:
    """Yield the medians of one size, those of spacy-lambda with their ratio to the original's, and their ranges."""
    found = results["sizes"][size]
    for title, key, form, unit, more_is_better in FIGURES:
        base = found[Variant.ORIGINAL][key]
        cells = []
        for variant in Variant:
            value = found[variant][key]
            ratio = value / base if more_is_better else base / value
            least, most = (form(end) for end in found[variant]["range"][key])
            spread = f", {least}–{most}" if least != most else ""
            times = "" if variant is Variant.ORIGINAL else f" ({ratio:.1f}×)"
            cells.append(f"{form(value)} {unit}{times}{spread}")
        yield title, cells[0], cells[1], cells[2]


def installed(results: dict[str, Any]) -> str:
    """Return the installed sizes, in a sentence."""
    found = results["installed"]
    base, ours = found[Variant.ORIGINAL]["installed_mb"], found[Variant.INT8]["installed_mb"]
    return f"Installed packages: {base:,.0f} MB with torch, {ours:,.0f} MB with spacy-lambda."


def limits(results: dict[str, Any]) -> Iterator[str]:
    """Yield the part of the machine's own int8 limit that each size reaches, in a sentence."""
    for size, found in results["sizes"].items():
        yield f"{size.partition(' (')[0]}: {describe(found['int8 limit'], found[Variant.INT8]['warm_ms'])}."


def as_table(results: dict[str, Any]) -> Table:
    """Return the table for the terminal."""
    table = Table("", *Variant, caption="\n".join([installed(results), *limits(results)]))
    for size in results["sizes"]:
        table.add_row(f"[bold]{size}[/bold]")
        for row in rows(results, size):
            table.add_row(*row)
        table.add_section()
    return table


def as_markdown(results: dict[str, Any]) -> str:
    """Return the table for the README."""
    lines = [f"| | {' | '.join(Variant)} |", "| --- | ---: | ---: | ---: |"]
    for size in results["sizes"]:
        lines.append(f"| **{size}** | | | |")
        lines += [f"| {' | '.join(row)} |" for row in rows(results, size)]
    return "\n".join([*lines, "", f"{installed(results)} Medians and ranges; measured on {results['measured_on']}."])


def write_readme(path: Path, markdown: str) -> None:
    """Write the table between its markers."""
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{path} has no {BEGIN} ... {END}")
    path.write_text(pattern.sub(lambda _: f"{BEGIN}\n{markdown}\n{END}", text), encoding="utf-8")
