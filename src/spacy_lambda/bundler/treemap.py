"""A treemap of a bundle as SVG: areas are bytes, next to Lambda's limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from xml.etree.ElementTree import Element, SubElement, tostring

import squarify

from spacy_lambda.core.files import megabytes

__all__ = ["COLOURS", "REST_COLOUR", "treemap_svg"]

COLOURS = "#1d4ed8 #b45309 #047857 #be185d #6d28d9 #0e7490 #b91c1c #4d7c0f #a21caf #0369a1 #854d0e #9f1239".split()
"""Dark enough for white letters."""

REST_COLOUR = "#475569"

MIN_PART, MIN_INSIDE = 1 / 200, 1 / 1000
"""Shares of all bytes; smaller files and folders are drawn as one."""

LETTER, LINE, PADDING = 7.6, 22, 7
"""Pixels: a letter's width (a wider label is clipped), a line's height, the space next to a label."""

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
class Box:
    """A rectangle, in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes of an SVG element."""
        return {name: f"{value:.2f}" for name, value in asdict(self).items()}


PAGE, MAP, BAR = Box(0, 0, 1000, 700), Box(20, 56, 960, 560), Box(20, 636, 960, 16)


@dataclass(frozen=True)
class Area:
    """A file, a folder with its contents, or several small ones together.

    :param name: The label; a folder's ends with a slash.
    :param size: Bytes.
    :param path: The path below the bundle's root; empty for several together.
    """

    name: str
    size: int
    path: str

    def __str__(self) -> str:
        return f"{self.name} {megabytes(self.size)}"


def treemap_svg(sizes: Mapping[str, int], *, limit: int, title: str) -> str:
    """Draw the top level of a bundle, each part divided into its contents, and a bar up to the limit.

    :param sizes: Bytes by path.
    :param limit: Maximum bytes of the bundle.
    :param title: The heading.
    """
    total = sum(sizes.values())
    parts = _areas(sizes, "", total * MIN_PART)
    left = f"{megabytes(limit - total)} left" if total <= limit else f"{megabytes(total - limit)} over the limit"
    figures = f"{megabytes(total)} of {megabytes(limit)}, {left}"
    view = f"{PAGE.x} {PAGE.y} {PAGE.width} {PAGE.height}"
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": view, "role": "img"})
    _add_text(svg, "title", title)
    _add_text(svg, "desc", f"{figures}: {', '.join(map(str, parts))}")
    SubElement(svg, "style").text = STYLE
    _add_rect(svg, PAGE, "page")
    _add_line(svg, title, MAP.x, MAP.y - 20, "words heading")
    _add_rect(svg, BAR, "track")
    colours, byte, used = cycle(COLOURS), BAR.width / max(total, limit, 1), BAR.x
    for part, box in _layout(parts, MAP):
        colour = next(colours) if part.path else REST_COLOUR
        inside = _areas(sizes, part.path, total * MIN_INSIDE) if part.path.endswith("/") else []
        _add_part(svg, part, box, inside, colour)
        _add_rect(svg, Box(used, BAR.y, part.size * byte, BAR.height), "used", colour, str(part))
        used += part.size * byte
    mark = Box(BAR.x + limit * byte - 1, BAR.y - 5, 2, BAR.height + 10)
    _add_rect(svg, mark, "words limit", tooltip=f"limit {megabytes(limit)}")
    _add_line(svg, figures, BAR.x, BAR.y + BAR.height + 26, "words")
    return tostring(svg, encoding="unicode") + "\n"


def _areas(sizes: Mapping[str, int], folder: str, smallest: float) -> list[Area]:
    """Return the files and folders directly in a folder, largest first, with the smallest ones as one area.

    :param folder: With a slash at its end; empty for the root.
    """
    found = Counter[str]()
    for path, size in sizes.items():
        if path.startswith(folder):
            name, slash, _ = path[len(folder) :].partition("/")
            found[name + slash] += size
    areas = [Area(name, size, folder + name) for name, size in found.items() if size >= max(smallest, 1)]
    small = [size for size in found.values() if 0 < size < smallest]
    if small:
        areas.append(Area(f"{len(small)} more", sum(small), ""))
    return sorted(areas, key=lambda area: (-area.size, area.path))


def _layout(areas: Sequence[Area], box: Box) -> Iterator[tuple[Area, Box]]:
    scaled = squarify.normalize_sizes([area.size for area in areas], box.width, box.height) if areas else []
    for area, tile in zip(areas, squarify.squarify(scaled, box.x, box.y, box.width, box.height), strict=True):
        yield area, Box(tile["x"], tile["y"], tile["dx"], tile["dy"])


def _add_part(svg: Element, part: Area, box: Box, inside: Sequence[Area], colour: str) -> None:
    """Add a part with its name at the top, and its contents with theirs at the bottom."""
    named = box.height >= LINE
    for area, tile in _layout(inside or [part], box):
        _add_rect(svg, tile, "tile", colour, f"{area.path or part.path + area.name}: {megabytes(area.size)}")
        lines = 2 if named and tile.y - box.y < LINE else 1
        if len(inside) > 1 and tile.height >= LINE * lines:
            _add_label(svg, area, tile, tile.height - PADDING, colour, "entry")
    _add_rect(svg, box, "part")
    if named:
        _add_label(svg, part, box, LINE - PADDING, colour, "name")


def _add_label(svg: Element, area: Area, box: Box, y: float, colour: str, kind: str) -> None:
    """Add as much of a label as fits; an inner SVG clips it at the edges."""
    room = int((box.width - 2 * PADDING) / LETTER)
    if room > 3:
        label = next((label for label in (str(area), area.name) if len(label) <= room), f"{area.name[: room - 1]}…")
        _add_line(SubElement(svg, "svg", box.attributes), label, PADDING, y, kind, halo=colour)


def _add_rect(parent: Element, box: Box, kind: str, colour: str = "", tooltip: str = "") -> None:
    fill = {"fill": colour} if colour else {}
    rect = SubElement(parent, "rect", {"class": kind, **box.attributes, **fill})
    if tooltip:
        _add_text(rect, "title", tooltip)


def _add_line(parent: Element, text: str, x: float, y: float, kind: str, halo: str = "") -> None:
    """Add a line of text.

    :param halo: The colour around its letters.
    """
    stroke = {"stroke": halo} if halo else {}
    _add_text(parent, "text", text, {"class": kind, "x": f"{x:.2f}", "y": f"{y:.2f}", **stroke})


def _add_text(parent: Element, tag: str, text: str, attributes: dict[str, str] | None = None) -> None:
    """Add text without characters that XML does not allow, such as control characters, which file names may contain."""
    clean = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    SubElement(parent, tag, attributes or {}).text = clean
