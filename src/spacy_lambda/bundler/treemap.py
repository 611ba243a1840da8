"""A picture of what fills a bundle, as SVG: areas are bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from xml.etree.ElementTree import Element, tostring

import squarify

from spacy_lambda.bundler.svg import Box, add_clip, add_rect, add_words, new_picture

__all__ = ["COLOURS", "REST_COLOUR", "treemap_svg"]

COLOURS = "#1d4ed8 #b45309 #047857 #be185d #6d28d9 #0e7490 #b91c1c #4d7c0f #a21caf #0369a1 #854d0e #9f1239".split()
"""Dark enough for white letters."""

REST_COLOUR = "#475569"

SMALLEST_PART, SMALLEST_ENTRY = 1 / 200, 1 / 1000
"""Of all bytes: what is smaller is drawn together."""

PAGE, MAP, BAR = Box(0, 0, 1000, 700), Box(20, 56, 960, 560), Box(20, 636, 960, 16)

LETTER, LINE, PADDING = 7.6, 22, 7
"""Pixels: a letter's width (a label that is wider all the same is clipped), a line's height, room beside a label."""

STYLE = """
  text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #fff }
  svg svg text { paint-order: stroke; stroke-width: 3px } .name { font-weight: 600 }
  .page { fill: #fff } .tile, .part { stroke: #fff } .part { fill: none; stroke-width: 3px }
  .track { fill: #d0d7de } .words { fill: #1f2937 } .heading { font-weight: 600; font-size: 18px }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .tile, .part { stroke: #0d1117 } .track { fill: #30363d } .words { fill: #e6edf3 }
  }
"""


@dataclass(frozen=True)
class Entry:
    """A file, a folder with all that is in it, or what is drawn together.

    :param name: What it is called; a folder's name ends with a slash.
    :param size: Its bytes.
    :param path: From the bundle's root; empty for what is drawn together.
    """

    name: str
    size: int
    path: str

    def __str__(self) -> str:
        return f"{self.name} {_mb(self.size)}"


def treemap_svg(sizes: Mapping[str, int], *, limit: int, title: str) -> str:
    """Draw what is at the top of a bundle, each part divided into what is in it, and how much more may be.

    :param sizes: Bytes by path.
    :param limit: Bytes that the bundle may have.
    :param title: What stands above it.
    """
    total = sum(sizes.values())
    parts = _entries(sizes, "", total * SMALLEST_PART)
    left = f"{_mb(limit - total)} left" if total <= limit else f"{_mb(total - limit)} too many"
    figures = f"{_mb(total)} of {_mb(limit)}, {left}"
    svg = new_picture(PAGE, title=title, description=f"{figures}: {', '.join(map(str, parts))}", style=STYLE)
    add_rect(svg, PAGE, "page")
    add_words(svg, title, MAP.x, MAP.y - 20, "words heading")
    add_rect(svg, BAR, "track")
    colours, byte, used = cycle(COLOURS), BAR.width / max(total, limit, 1), BAR.x
    for part, box in _layout(parts, MAP):
        colour = next(colours) if part.path else REST_COLOUR
        entries = _entries(sizes, part.path, total * SMALLEST_ENTRY) if part.path.endswith("/") else []
        _draw(svg, part, box, entries, colour)
        add_rect(svg, Box(used, BAR.y, part.size * byte, BAR.height), "used", colour, str(part))
        used += part.size * byte
    mark = Box(BAR.x + limit * byte - 1, BAR.y - 5, 2, BAR.height + 10)
    add_rect(svg, mark, "words limit", told=f"limit {_mb(limit)}")
    add_words(svg, figures, BAR.x, BAR.y + BAR.height + 26, "words")
    return tostring(svg, encoding="unicode") + "\n"


def _draw(svg: Element, part: Entry, box: Box, entries: Sequence[Entry], colour: str) -> None:
    """A part: its own name at the top, and those of its entries at their bottoms."""
    named = box.height >= LINE
    for entry, tile in _layout(entries or [part], box):
        add_rect(svg, tile, "tile", colour, f"{entry.path or part.path + entry.name}: {_mb(entry.size)}")
        lines = 2 if named and tile.y - box.y < LINE else 1
        if len(entries) > 1 and tile.height >= LINE * lines:
            _label(svg, entry, tile, tile.height - PADDING, colour, "entry")
    add_rect(svg, box, "part")
    if named:
        _label(svg, part, box, LINE - PADDING, colour, "name")


def _label(svg: Element, entry: Entry, box: Box, y: float, colour: str, kind: str) -> None:
    """As much of it as there is room for."""
    room = int((box.width - 2 * PADDING) / LETTER)
    if room > 3:
        words = next((words for words in (str(entry), entry.name) if len(words) <= room), f"{entry.name[: room - 1]}…")
        add_words(add_clip(svg, box), words, PADDING, y, kind, halo=colour)


def _entries(sizes: Mapping[str, int], folder: str, smallest: float) -> list[Entry]:
    """What lies directly in a folder, largest first; what is too small to be seen is one entry.

    :param folder: With a slash at its end; empty for the root.
    """
    found = Counter[str]()
    for path, size in sizes.items():
        if path.startswith(folder):
            name, slash, _ = path[len(folder) :].partition("/")
            found[name + slash] += size
    entries = [Entry(name, size, folder + name) for name, size in found.items() if size >= max(smallest, 1)]
    small = [size for size in found.values() if 0 < size < smallest]
    if small:
        entries.append(Entry(f"{len(small)} more", sum(small), ""))
    return sorted(entries, key=lambda entry: (-entry.size, entry.path))


def _layout(entries: Sequence[Entry], box: Box) -> Iterator[tuple[Entry, Box]]:
    areas = squarify.normalize_sizes([entry.size for entry in entries], box.width, box.height) if entries else []
    for entry, found in zip(entries, squarify.squarify(areas, box.x, box.y, box.width, box.height), strict=True):
        yield entry, Box(found["x"], found["y"], found["dx"], found["dy"])


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
