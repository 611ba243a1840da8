"""Measured precisions -> an SVG of agreement against speed."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

__all__ = ["draw_plot"]

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 30, 60
ACCEPTED, REJECTED = "#1a7f37", "#9a6700"


def draw_plot(choice: Mapping[str, Any]) -> str:
    """Draw a point for each measured precision, and one for the original; the chosen one is filled.

    :param choice: The return value of :meth:`.precision_choice.PrecisionChoice.to_dict`.
    """
    measured = [one for one in choice["candidates"] if one["agreement"] is not None]
    threshold = choice["thresholds"]["min_agreement"]
    original = choice["original_words_per_second"]
    fastest = 1.15 * max(original, *(one["words_per_second"] for one in measured))
    least = min(threshold, *(one["agreement"] for one in measured))
    low = max(0.0, least - 0.25 * max(1 - least, 0.004))

    def place(speed: float, agreement: float) -> tuple[float, float]:
        x = LEFT + speed / fastest * (WIDTH - LEFT - RIGHT)
        return x, TOP + (1 - agreement) / (1 - low) * (HEIGHT - TOP - BOTTOM)

    edge = HEIGHT - BOTTOM
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<path d="M{LEFT} {TOP}V{edge}H{WIDTH - RIGHT}" fill="none" stroke="#57606a"/>',
        *(_tick(place(0, low + (1 - low) * i / 4)[1], f"{low + (1 - low) * i / 4:.4f}") for i in range(5)),
        *(
            f'<text x="{place(fastest * i / 4, low)[0]:.1f}" y="{edge + 18}" text-anchor="middle">'
            f"{fastest * i / 4:,.0f}</text>"
            for i in range(5)
        ),
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 14}" text-anchor="middle">words per second</text>',
        f'<text x="{LEFT - 60}" y="{TOP - 12}">agreement F1 on {choice["measured_texts"]:,} texts</text>',
    ]
    y = place(0, threshold)[1]
    lines.append(
        f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#57606a" stroke-dasharray="5 4"/>'
        f'<text x="{WIDTH - RIGHT}" y="{y - 5:.1f}" text-anchor="end" fill="#57606a">{threshold:g} required</text>'
    )
    lines.append(_point(*place(original, 1.0), "original", "#57606a", filled=True))
    for one in measured:
        color = ACCEPTED if one["reason"] is None else REJECTED
        where = place(one["words_per_second"], one["agreement"])
        lines.append(_point(*where, one["precision"], color, filled=one["precision"] == choice["precision"]))
    return "\n".join((*lines, "</svg>", ""))


def _tick(y: float, text: str) -> str:
    return f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'


def _point(x: float, y: float, name: str, color: str, *, filled: bool) -> str:
    fill = color if filled else "white"
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{fill}" stroke="{color}" stroke-width="2"/>'
        f'<text x="{x:.1f}" y="{y + 22:.1f}" text-anchor="middle">{escape(name)}</text>'
    )
