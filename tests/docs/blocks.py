"""Fenced blocks of the documentation, with what the comment before each says of its test.

::

    <!-- test: fixture=served -->      the block runs with what this fixture gives
    <!-- test: parse=needs torch -->   its commands are parsed, and do not run
    <!-- test: skip=needs the Hub -->  nothing is done with it
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "examples/**/*.md", "pipelines/*.md")
    for path in ROOT.glob(pattern)
)
FENCE = re.compile(r"^( *)```(\w*)\s*$")
DIRECTIVE = re.compile(r"<!-- test: (fixture|parse|skip)=(.+?) -->")


@dataclass(frozen=True)
class Block:
    """One block.

    :param line: Number of its first line, without the fence.
    :param way: The way to test it; ``None`` where no comment says so.
    :param value: Name of the fixture, or the reason.
    """

    path: Path
    line: int
    language: str
    text: str
    way: Literal["fixture", "parse", "skip"] | None = None
    value: str = ""

    @property
    def where(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """One command of a console block, and the lines that it prints according to the block."""

    where: str
    text: str
    printed: tuple[str, ...]


def blocks(path: Path) -> Iterator[Block]:
    """Every fenced block of a page."""
    lines = path.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        opening = FENCE.match(lines[number])
        if opening is None:
            number += 1
            continue
        end = next(at for at in range(number + 1, len(lines)) if lines[at].strip() == "```")
        text = "\n".join(line.removeprefix(opening[1]) for line in lines[number + 1 : end]) + "\n"
        found = DIRECTIVE.fullmatch(_before(lines, number))
        way, value = (found[1], found[2]) if found else (None, "")
        yield Block(path, number + 2, opening[2], text, way, value)  # type: ignore[arg-type]  # the expression's words
        number = end + 1


def every_block(*languages: str) -> list[Block]:
    """Blocks in these languages, of all pages."""
    return [block for path in PAGES for block in blocks(path) if block.language in languages]


def commands(block: Block) -> Iterator[Command]:
    """Every command of a console block, with the lines that a backslash continues."""
    lines = block.text.splitlines()
    number = 0
    while number < len(lines):
        start = number
        if not lines[start].startswith("$ "):
            number += 1
            continue
        while lines[number].endswith("\\"):
            number += 1
        end = number + 1
        while end < len(lines) and not lines[end].startswith("$ "):
            end += 1
        text = "\n".join(lines[start : number + 1]).removeprefix("$ ")
        printed = tuple(line for line in lines[number + 1 : end] if line)
        yield Command(f"{block.path.relative_to(ROOT)}:{block.line + start}", text, printed)
        number = end


def _before(lines: list[str], number: int) -> str:
    """The nearest line above that is not empty."""
    return next((line.strip() for line in reversed(lines[:number]) if line.strip()), "")
