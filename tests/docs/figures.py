"""Pages, and the figures in the README's table, which ``make bench`` writes."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SMALL, LARGE, ENGLISH = "MiniLM", "SciBERT", "en_core_web_trf"
"""Beginnings of the names of the benchmark's sizes."""


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def shows(name: str, text: str) -> bool:
    """Return whether a page has a text, however its lines are broken."""
    return text.casefold() in " ".join(page(name).split()).casefold()


@cache
def bench() -> dict[tuple[str, str], list[str]]:
    """The medians in the README's table, with their units, by the size and the measurement."""
    table = re.search(
        r"<!-- bench:begin -->(.*?)<!-- bench:end -->", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
    assert table is not None
    found, size = dict[tuple[str, str], list[str]](), ""
    for title, *row in (re.split(r" \| ?", line.strip("| ")) for line in table[1].splitlines() if line.startswith("|")):
        if title.startswith("**"):
            size = title.strip("*").split()[0].removesuffix("'s")
        elif size:
            found[size, title] = [re.split(r"[,(] ?(?=[\d.,]+[–×])", cell)[0].strip(" ,") for cell in row]
    return found


def medians(size: str, measurement: str) -> list[float]:
    """The same as numbers: of the original, of fp32 and of int8."""
    return [float(re.sub(r"[^\d.]", "", figure)) for figure in bench()[size, measurement]]


def sizes() -> list[str]:
    """The beginnings of the names of all sizes."""
    return sorted({size for size, _ in bench()})
