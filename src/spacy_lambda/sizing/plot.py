"""A plot of cost and latency against memory, as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from spacy_lambda.core.lambda_function import ARCHITECTURES, Architecture
from spacy_lambda.sizing.estimation import CostEstimate, SettingCost

__all__ = ["plot_svg"]

WIDTH, HEIGHT, LEFT, RIGHT = 720, 560, 78, 96
PANELS = ((56, 200), (320, 180))
"""Top and height of the panels: dollars, and milliseconds."""

COLOURS: dict[Architecture, str] = {"x86_64": "#1d4ed8", "arm64": "#b45309"}
TICKS = 4
LABEL = 36
"""Pixels that the label of a memory size needs."""

STYLE = """
  text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2937 }
  .page { fill: #fff } .grid { stroke: #d0d7de } .limit { stroke: #b91c1c; stroke-dasharray: 5 4 }
  .heading { font-weight: 600 } .line { fill: none; stroke-width: 2px } .small { font-size: 11px }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .page { fill: #0d1117 } .grid { stroke: #30363d }
  }
"""


@dataclass(frozen=True)
class Panel:
    """One panel with its scales.

    :param highest: The value at its upper edge.
    :param most_mb: The memory at its right edge.
    """

    top: int
    height: int
    highest: float
    most_mb: int

    def x(self, memory_mb: float) -> float:
        """Return the pixel of a memory size."""
        return LEFT + memory_mb / self.most_mb * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return the pixel of a value."""
        return self.top + self.height * (1 - value / self.highest)


def plot_svg(estimate: CostEstimate, *, title: str) -> str:
    """Draw the on-demand cost and the latency of each memory size that fits, with the latency that was asked for.

    :param estimate: The estimate.
    :param title: Title of the drawing.
    """
    rows = [one for one in estimate.settings if one.setting.start == "on-demand" and one.fits]
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img"})
    title = _printable(title)
    SubElement(svg, "title").text = title
    SubElement(svg, "style").text = STYLE
    SubElement(svg, "rect", {"class": "page", "width": str(WIDTH), "height": str(HEIGHT)})
    _text(svg, LEFT, 26, title, "heading")
    limit = estimate.options.latency_ms
    most = max((one.setting.memory_mb for one in rows), default=1)
    dollars = Panel(*PANELS[0], highest=_above(one.usd for one in rows), most_mb=most)
    latency = Panel(*PANELS[1], highest=_above([*(one.ms for one in rows), limit or 0]), most_mb=most)
    calls = f"{estimate.options.calls_per_hour:,g} calls an hour, {estimate.options.region}"
    _draw(svg, dollars, f"US dollars for a million texts, {calls}", rows, lambda one: one.usd)
    # Latency is that of this machine: the same line for both architectures.
    first = [one for one in rows if one.setting.architecture == ARCHITECTURES[0]] or rows
    _draw(svg, latency, "milliseconds a text, warm", first, lambda one: one.ms, named=False)
    if limit is not None:
        _line(svg, latency.y(limit), "limit")
        _text(svg, WIDTH - RIGHT + 6, latency.y(limit) + 4, f"{limit:g} ms", "small")
    _text(svg, LEFT, HEIGHT - 12, "memory in MB", "small")
    return tostring(svg, encoding="unicode") + "\n"


def _draw(
    svg: Element,
    panel: Panel,
    heading: str,
    rows: Iterable[SettingCost],
    value: Callable[[SettingCost], float],
    *,
    named: bool = True,
) -> None:
    _text(svg, LEFT, panel.top - 10, heading, "heading")
    for tick in range(TICKS + 1):
        height = panel.highest * tick / TICKS
        _line(svg, panel.y(height), "grid")
        _text(svg, LEFT - 8, panel.y(height) + 4, f"{height:,.4g}", "small", anchor="end")
    lines: dict[Architecture, list[SettingCost]] = {}
    for one in rows:
        lines.setdefault(one.setting.architecture, []).append(one)
    _label_sizes(svg, panel, (one.setting.memory_mb for found in lines.values() for one in found))
    for architecture, found in lines.items():
        points = [(panel.x(one.setting.memory_mb), panel.y(value(one))) for one in found]
        colour, path = COLOURS[architecture], " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        SubElement(svg, "polyline", {"class": "line", "points": path, "stroke": colour})
        for (x, y), one in zip(points, found, strict=True):
            dot = SubElement(svg, "circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "4", "fill": colour})
            SubElement(dot, "title").text = f"{architecture}, {one.setting.memory_mb:,} MB: {value(one):,.4g}"
        if named:
            _text(svg, points[-1][0] + 8, points[-1][1] + 4, architecture, "small")


def _label_sizes(svg: Element, panel: Panel, sizes: Iterable[int]) -> None:
    """Write the memory sizes below a panel, where there is room."""
    free = 0.0
    for size in sorted({*sizes}):
        if panel.x(size) >= free:
            _text(svg, panel.x(size), panel.top + panel.height + 18, f"{size}", "small", anchor="middle")
            free = panel.x(size) + LABEL


def _line(parent: Element, y: float, kind: str) -> None:
    place = {"x1": str(LEFT), "x2": str(WIDTH - RIGHT), "y1": f"{y:.1f}", "y2": f"{y:.1f}"}
    SubElement(parent, "line", {"class": kind, **place})


def _text(parent: Element, x: float, y: float, text: str, kind: str, *, anchor: str = "start") -> None:
    SubElement(parent, "text", {"class": kind, "x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}).text = text


def _printable(text: str) -> str:
    """Replace characters that XML does not allow, such as control characters, which file names may contain."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _above(values: Iterable[float]) -> float:
    """Return a round number that is not below any value."""
    most = max((*values, 1e-9))
    step = 10.0 ** len(str(int(most))) / 20
    return step * math.ceil(most / step)
